import { number } from '../report/statistics.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { installAlternatives } from '../stage/install-alternatives.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { requireRefusal } from './require-refusal.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const ours = 'Flowplate';

export const peers: Scenario = {
  name: 'peers',
  about:
    'verification beside Express with Redis, openkey and better-auth (fetched by npm when first asked for)',
  async run(stage, pace) {
    await installAlternatives();
    await stage.seedKeys(pace.keys, 'peers');
    const runs = await interleave(stage.otherWork, await startArms(stage, pace), pace.rounds);
    const title = 'Verification beside what one would pick instead';
    const notes = [
      `The same requests, ${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Each looks the key up and counts the call before it answers; ours counts in memory, hands the counts over four times a second, and holds a lease. openkey and better-auth stand behind bare node:http, better-auth with ${stage.poolSize} connections to the same Postgres, each of the others with a Redis of its own. ${await stage.ledger.requireCounted()}`,
    ];
    return [throughputTable({ title, runs, reference: ours, ratio: 'reference ÷ arm', notes })];
  },
};

async function startArms(stage: Stage, pace: Pace): Promise<Arm[]> {
  const keys = { KEYS_FILE: stage.keysFile, KEYS_COUNT: String(pace.keys) };
  const ownRedis = async () => ({ ...keys, REDIS_URL: (await stage.ownRedis()).url });
  const api = await stage.startApi('api');
  await stage.startWorker();
  await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
  await askOnce(api, stage, pace);
  const expressRedis = await stage.startPeer('express-redis', await ownRedis());
  const openkey = await stage.startAlternative('openkey', await ownRedis());
  const database = { ...keys, DATABASE_URL: await stage.ownDatabase('better_auth') };
  const betterAuth = await stage.startAlternative('better-auth', database);
  const servers: Array<[string, BenchServer]> = [
    [ours, api],
    ['Express 5 + ioredis HGETALL, HINCRBY', expressRedis],
    ['openkey', openkey],
    ['better-auth, @better-auth/api-key', betterAuth],
  ];
  for (const [name, server] of servers) await requireRefusal(stage, name, server);
  return servers.map(([name, server]) => ({
    name,
    measure: () => askEvenly(server, stage, pace, { polls: name === ours }),
  }));
}
