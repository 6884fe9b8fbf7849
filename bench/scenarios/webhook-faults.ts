import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePort } from '../../scripts/services/free-port.ts';
import { startRedis } from '../../scripts/services/redis.ts';
import { endAll } from '../../test/support/at-end.ts';
import { type Edit, editSource } from '../../test/support/edited-source.ts';
import { Latencies } from '../load/latencies.ts';
import { SteadyChanges } from '../load/steady-changes.ts';
import { type FirstDelivery, type Judged, judgeDeliveries, type Owed } from '../report/judge-deliveries.ts';
import { number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import { caller } from '../stage/caller.ts';
import { deliveryFaults, type Victims } from '../stage/delivery-faults.ts';
import { type Mood, MoodyReceiver } from '../stage/moody-receiver.ts';
import { newOperator } from '../stage/operator-keys.ts';
import type { Stage } from '../stage/stage.ts';
import type { Pace, Scenario } from './scenario.ts';

const changesPerSecond = 20;
const callMsMax = 10_000;
const faultEveryMs = 40_000;
/** The lease of a killed worker ends after 15 s, and what has waited is delivered. */
const effectMs = 20_000;
const moodEveryMs = 120_000;
const moodMs = 20_000;
/** Longer than the retry after the third failure. */
const settleMsMax = 300_000;

const internal = { WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' };

type Endpoint = { path: string; types: string[]; organizationId: string | null; mood: Mood };

const organizations = ['org_0', 'org_1', 'org_2', 'org_3', 'org_4'];
const endpoints: readonly Endpoint[] = [
  { path: '/every-event', types: ['*'], organizationId: null, mood: 'good' },
  { path: '/revocations', types: ['key.revoked'], organizationId: null, mood: 'good' },
  { path: '/org_0', types: ['*'], organizationId: 'org_0', mood: 'good' },
  { path: '/org_1', types: ['*'], organizationId: 'org_1', mood: 'good' },
  { path: '/org_2-hangs', types: ['*'], organizationId: 'org_2', mood: 'hangs' },
  { path: '/org_3-resets', types: ['*'], organizationId: 'org_3', mood: 'resets' },
  { path: '/org_4-fails', types: ['*'], organizationId: 'org_4', mood: 'fails' },
];

/** Protections that a control run goes without. */
const controls: Record<string, Edit> = {
  // A worker that is killed has not sent what its position says.
  position: {
    file: 'src/usecases/webhooks/webhook-turn.ts',
    from: '    const isWhole = await this.#sendAll(\n      page.events',
    to: '    this.#position = page.examined;\n    await this.#save();\n    const isWhole = await this.#sendAll(\n      page.events',
  },
  order: {
    file: 'src/usecases/webhooks/webhook-turn.ts',
    from: '        .filter(({ event }) => !isOwnTest(event, id))',
    to: '        .filter(({ event }) => !isOwnTest(event, id))\n        .toReversed()',
  },
};

export function isControl(name: string): boolean {
  return name in controls;
}

export const webhookFaults: Scenario = {
  name: 'webhook-faults',
  about: 'webhooks for ten minutes with faults: what was delivered, held against the audit log',
  async run(stage, pace) {
    const victims = await openVictims(stage, pace.control);
    const api = await stage.startApi('api', { REDIS_URL: victims.redis.url, ...internal });
    const baseUrl = `http://127.0.0.1:${api.port}`;
    await createWebhooks(stage, baseUrl, victims.receiver);
    victims.worker = await victims.startWorker();

    const asBackend = { 'x-flowplate-master-key': stage.masterKey };
    const changes = new SteadyChanges(caller(baseUrl, asBackend, callMsMax), organizations);
    const endsAtMs = Date.now() + pace.faultsMs;
    const [strikes] = await Promise.all([
      strikeInTurn(victims, pace, endsAtMs),
      changeMoods(victims.receiver, endsAtMs),
      changes.run(pace.faultsMs, changesPerSecond),
    ]);
    const settled = await settle(stage);
    const results = await judgeAll(stage, victims.receiver);
    return tablesOf(results, strikes, {
      notes: [
        `${number(pace.faultsMs / 1_000)} s with ${changesPerSecond} calls a second: mints, refreshes and revokes in ${organizations.length} organizations. One API process, one worker. ${number(changes.failed)} calls failed, the rest was answered. ${settled}`,
        `The endpoints named so hang, reset or answer 500 in ${moodMs / 1_000} s of every ${moodEveryMs / 1_000} s; ${moody.map(({ path }) => number(victims.receiver.refused(path))).join(', ')} requests met that. The times are from the time in the event to the first delivery, the wait for the seal included.`,
        ...(pace.control === undefined ? [] : [`Control run: without "${pace.control}".`]),
      ],
      contradictions: [
        ...victims.receiver.wrong.map((request) => `the signature or the id of ${request} is wrong`),
        ...(await unaudited(stage, changes)),
      ],
    });
  },
};

const moody = endpoints.filter(({ mood }) => mood !== 'good');

async function openVictims(stage: Stage, control: string | undefined): Promise<Victims> {
  stage.closing.add('changed source', endAll);
  const edit = controls[control ?? ''];
  const source = edit && (await editSource([edit]));
  const dataDir = join(stage.directory, 'redis-of-faults');
  const port = await choosePort(undefined, 'Redis');
  // In memory only, so that a killed one comes back empty.
  const start = () => startRedis({ dataDir, port, settings: { appendonly: 'no' } });
  const victims: Victims = {
    sql: stage.sql,
    receiver: await MoodyReceiver.start(),
    redis: await start(),
    startRedis: start,
    startWorker: () => stage.startWorker({ REDIS_URL: victims.redis.url, ...internal }, source),
    worker: { port: 0, pid: 0, stop: async () => undefined, kill: async () => undefined },
  };
  stage.closing.add('Redis of faults', () => victims.redis.stop());
  return victims;
}

/** The worker is not running yet, so each of them gets every event from the beginning on. */
async function createWebhooks(stage: Stage, baseUrl: string, receiver: MoodyReceiver): Promise<void> {
  const call = caller(baseUrl, { authorization: `Bearer ${await newOperator(stage)}` });
  for (const { path, types, organizationId } of endpoints) {
    const settings = {
      url: receiver.urlOf(path),
      types,
      ...(organizationId && { organization_id: organizationId }),
    };
    const { secret } = await call('POST /api/v1/platform/webhooks', settings);
    receiver.know(path, secret);
  }
}

type Strike = { name: string; fromMs: number; toMs: number };

/** One fault after the other, with time for its effects between them. */
async function strikeInTurn(victims: Victims, { faultsMs }: Pace, endsAtMs: number): Promise<Strike[]> {
  const everyMs = Math.min(faultEveryMs, faultsMs / (deliveryFaults.length + 1));
  const strikes: Strike[] = [];
  for (let count = 0; Date.now() + everyMs < endsAtMs; count++) {
    await sleep(Math.max(0, endsAtMs - faultsMs + (count + 1) * everyMs - Date.now()));
    const fault = deliveryFaults[count % deliveryFaults.length] as (typeof deliveryFaults)[number];
    const fromMs = Date.now();
    await fault.happen(victims);
    strikes.push({ name: fault.name, fromMs, toMs: Date.now() });
    console.error(`${new Date(fromMs).toISOString()} ${fault.name}`);
  }
  return strikes;
}

async function changeMoods(receiver: MoodyReceiver, endsAtMs: number): Promise<void> {
  while (Date.now() + moodMs < endsAtMs) {
    for (const { path, mood } of moody) receiver.setMood(path, mood);
    await sleep(moodMs);
    for (const { path } of moody) receiver.setMood(path, 'good');
    await sleep(Math.min(moodEveryMs - moodMs, Math.max(0, endsAtMs - Date.now())));
  }
}

/** Until the broker takes everything for delivered, for some minutes at most. */
async function settle({ sql }: Stage): Promise<string> {
  const startedMs = performance.now();
  for (;;) {
    const { rows } = await sql.query(
      `SELECT 1 FROM audit_events LEFT JOIN audit_seals ON event_id = id WHERE seq IS NULL
       UNION ALL SELECT 1 FROM webhooks WHERE position < (SELECT max(seq) FROM audit_seals)
       UNION ALL SELECT 1 FROM webhook_deliveries WHERE status = 'pending' LIMIT 1`,
    );
    const waitedMs = performance.now() - startedMs;
    if (rows.length === 0) return `Nothing waited ${number(waitedMs / 1_000, 1)} s after the last change.`;
    if (waitedMs > settleMsMax) return `Something waited ${settleMsMax / 1_000} s after the last change.`;
    await sleep(1_000);
  }
}

type Result = Endpoint & { owed: number; deliveries: number; judged: Judged };

async function judgeAll({ sql }: Stage, receiver: MoodyReceiver): Promise<Result[]> {
  const { rows } = await sql.query<Owed & { type: string; organizationId: string | null }>(
    `SELECT id, event_type AS type, organization_id AS "organizationId", seq::float8 AS seq,
       extract(epoch FROM created_at)::float8 * 1000 AS "createdAtMs"
     FROM audit_events LEFT JOIN audit_seals ON event_id = id`,
  );
  return endpoints.map((endpoint) => {
    const { path, types, organizationId } = endpoint;
    const owed = rows.filter(
      (event) =>
        (types.includes('*') || types.includes(event.type)) &&
        (organizationId === null || organizationId === event.organizationId),
    );
    const arrivals = receiver.arrivals(path);
    const judged = judgeDeliveries(owed, arrivals);
    return { ...endpoint, owed: owed.length, deliveries: arrivals.length, judged };
  });
}

/** Answered mints and refreshes without an event. */
async function unaudited({ sql }: Stage, { answered }: SteadyChanges): Promise<string[]> {
  const { rows } = await sql.query<{ eventType: string; keyId: string }>(
    `SELECT event_type AS "eventType", target_id AS "keyId" FROM audit_events`,
  );
  const audited = new Set(rows.map(({ eventType, keyId }) => `${eventType} ${keyId}`));
  return answered
    .map(({ eventType, keyId }) => `${eventType} ${keyId}`)
    .filter((change) => !audited.has(change))
    .map((change) => `${change} was answered and has no event`);
}

function tablesOf(
  results: readonly Result[],
  strikes: readonly Strike[],
  { notes, contradictions }: Required<Pick<Table, 'notes' | 'contradictions'>>,
): Table[] {
  const isCalm = (delivery: FirstDelivery) => strikeOf(strikes, delivery) === undefined;
  const good = results.filter(({ mood }) => mood === 'good').flatMap(({ judged }) => judged.first);
  return [
    {
      title: 'Webhooks with faults, by endpoint',
      columns: [
        ...['', 'events', 'deliveries', 'repeats', 'missing', 'unknown', 'out of order'],
        ...['calm p50 s', 'p99 s', 'max s', 'with a fault p50 s', 'p99 s', 'max s'],
      ],
      rows: results.map(({ path, owed, deliveries, judged }) => [
        path,
        ...[owed, deliveries, judged.repeats].map((count) => number(count)),
        ...[judged.missing, judged.unknown, judged.outOfOrder].map(({ length }) => number(length)),
        ...timesOf(judged.first.filter(isCalm)),
        ...timesOf(judged.first.filter((delivery) => !isCalm(delivery))),
      ]),
      notes,
      contradictions: [...contradictions, ...results.flatMap(contradictionsOf)],
    },
    {
      title: 'The good endpoints, by fault',
      columns: ['', 'times', 'first deliveries', 'p50 s', 'p99 s', 'max s'],
      rows: [undefined, ...deliveryFaults.map(({ name }) => name)].map((name) => {
        const first = good.filter((delivery) => strikeOf(strikes, delivery)?.name === name);
        const times = strikes.filter((strike) => strike.name === name).length;
        return [
          name ?? 'none',
          name === undefined ? '' : number(times),
          number(first.length),
          ...timesOf(first),
        ];
      }),
      notes: [
        `An event belongs to a fault when it waited for its delivery during the fault or was written within ${effectMs / 1_000} s after it.`,
      ],
    },
  ];
}

/** The fault that an event met; the later one of two. */
function strikeOf(
  strikes: readonly Strike[],
  { createdAtMs, deliveredAtMs }: FirstDelivery,
): Strike | undefined {
  return strikes.findLast(({ fromMs, toMs }) => deliveredAtMs >= fromMs && createdAtMs <= toMs + effectMs);
}

function timesOf(first: readonly FirstDelivery[]): string[] {
  if (first.length === 0) return ['', '', ''];
  const latencies = new Latencies();
  for (const { createdAtMs, deliveredAtMs } of first) latencies.record(deliveredAtMs - createdAtMs);
  const { p50Ms, p99Ms } = latencies.percentiles();
  const maxMs = Math.max(...first.map(({ createdAtMs, deliveredAtMs }) => deliveredAtMs - createdAtMs));
  return [p50Ms, p99Ms, maxMs].map((ms) => number(ms / 1_000, 1));
}

function contradictionsOf({ path, judged }: Result): string[] {
  const { missing, unknown, outOfOrder } = judged;
  return Object.entries({ missing, unknown, 'out of order': outOfOrder }).flatMap(([what, ids]) =>
    ids.length === 0 ? [] : [`${path}: ${ids.length} ${what}, the first ${ids[0]}`],
  );
}
