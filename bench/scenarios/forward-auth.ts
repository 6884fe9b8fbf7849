import { number } from '../report/statistics.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { requireDenial } from './require-refusal.ts';
import { connections, type Scenario } from './scenario.ts';

const reference = 'node:http';

export const forwardAuth: Scenario = {
  name: 'forward-auth',
  about: "the proxies' door from memory, beside bare node:http that answers an empty 200",
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'authz');
    const bare = await stage.startPeer('empty-node-http');
    const api = await stage.startApi('api');
    await stage.startWorker();
    await requireDenial(stage, 'authz', api);
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    await askOnce(api, stage, pace, { door: 'authorize' });
    const arms = [
      {
        name: reference,
        measure: () => askEvenly(bare, stage, pace, { door: 'authorize, bare', polls: true }),
      },
      {
        name: 'authz, from memory',
        measure: () => askEvenly(api, stage, pace, { door: 'authorize', polls: true }),
      },
    ];
    const runs = await interleave(stage.otherWork, arms, pace.rounds);
    const title = 'Forward auth (GET /v1/flowplate/authz)';
    const notes = [
      `One process, ${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Both sides get the same requests; an allow of ours also carries the identity in its headers. Counting and leases are on. ${await stage.ledger.requireCounted()}`,
    ];
    return [throughputTable({ title, runs, reference, notes })];
  },
};
