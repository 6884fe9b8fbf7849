import type { LoadResult } from '../load/jobs.ts';
import { number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave, type Runs } from './interleave.ts';
import { askEvenly, askOnce, type Draw } from './key-load.ts';
import { requireDenial } from './require-refusal.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const reference = 'node:http';
/** A minimal request has three headers, a real one a dozen. */
const senders = [
  { title: 'minimal requests', sender: 'minimal' },
  { title: 'requests as nginx sends them', sender: 'nginx' },
] as const;

export const forwardAuth: Scenario = {
  name: 'forward-auth',
  about: "the proxies' door from memory, beside bare node:http that answers an empty 200",
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'authz');
    const servers = {
      bare: await stage.startPeer('empty-node-http'),
      api: await stage.startApi('api'),
      withoutLane: await stage.startApi('api-without-fast-lane', { FAST_LANE: 'off' }),
    };
    await stage.startWorker();
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    for (const api of [servers.api, servers.withoutLane]) {
      await requireDenial(stage, 'authz', api);
      await askOnce(api, stage, pace, { door: 'authorize' });
    }
    const arms = senders.flatMap(({ sender }) => armsOf(stage, pace, servers, sender));
    arms.push(...otherRequests(stage, pace, servers.api));
    const runs = await interleave(stage.otherWork, arms, pace.rounds);
    const counted = await stage.ledger.requireCounted();
    const others = new Map([
      [reference, runs.get(nameOf('minimal', reference)) ?? []],
      ...[...runs].filter(([name]) => name in otherDraws),
    ]);
    return [
      ...senders.map(({ title, sender }) => table(title, partOf(runs, sender), pace, counted)),
      table('other requests', others, pace, counted),
    ];
  },
};

/** Requests of other kinds, minimal otherwise. */
const otherDraws = {
  'the key as a bearer token': { sender: 'bearer' },
  'with a demanded environment': { sender: 'demanding' },
  'refused: without a demanded scope': { sender: 'demanding in vain' },
  "keys drawn by Zipf's law": { draw: 'zipf' },
} as const satisfies Record<string, Draw>;

function otherRequests(stage: Stage, pace: Pace, api: BenchServer): Arm[] {
  return Object.entries(otherDraws).map(([name, draw]) => ({
    name,
    measure: () => askEvenly(api, stage, pace, { door: 'authorize', polls: true, ...draw }),
  }));
}

type Servers = Record<'bare' | 'api' | 'withoutLane', BenchServer>;
type Sender = (typeof senders)[number]['sender'];

function armsOf(stage: Stage, pace: Pace, { bare, api, withoutLane }: Servers, sender: Sender): Arm[] {
  const ask = (server: BenchServer, door: 'authorize' | 'authorize, bare') => () =>
    askEvenly(server, stage, pace, { door, sender, polls: true });
  return [
    { name: nameOf(sender, reference), measure: ask(bare, 'authorize, bare') },
    { name: nameOf(sender, 'authz, from memory'), measure: ask(api, 'authorize') },
    { name: nameOf(sender, 'authz, FAST_LANE=off'), measure: ask(withoutLane, 'authorize') },
  ];
}

function nameOf(sender: Sender, name: string): string {
  return `${sender}: ${name}`;
}

function partOf(runs: Runs, sender: Sender): Runs {
  const part = [...runs].filter(([name]) => name.startsWith(`${sender}: `));
  return new Map<string, LoadResult[]>(
    part.map(([name, results]) => [name.slice(sender.length + 2), results]),
  );
}

function table(title: string, runs: Runs, pace: Pace, counted: string): Table {
  const notes = [
    `One process, ${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. All sides get the same requests; an allow of ours also carries the identity in its headers. Counting and leases are on. ${counted}`,
  ];
  return throughputTable({ title: `Forward auth, ${title}`, runs, reference, notes });
}
