import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { newAuditEvent, systemOrigin } from '../../src/domain/audit-event.ts';
import { newId } from '../../src/domain/ids.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { finishChange } from '../../src/stores/postgres/finish-change.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { findLastSeal, insertWebhook } from '../../src/stores/postgres/webhooks/webhooks.ts';
import { newWebhookSecret, sealWebhookSecret } from '../../src/usecases/webhooks/webhook-secret.ts';
import { Latencies } from '../load/latencies.ts';
import { cpuMsOf } from '../load/process-cpu.ts';
import { number } from '../report/statistics.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import type { Pace, Scenario } from './scenario.ts';

const endpointsCount = 10;
const eventsPerSecond = 1_000;

/** Changes of one transaction: those of 20 ms. */
const eventsPerWrite = 20;
const writeMs = (eventsPerWrite / eventsPerSecond) * 1_000;

/** A run that is not over by then is reported as it stands. */
const settleMsMax = 120_000;

export const webhooks: Scenario = {
  name: 'webhooks',
  about: '1,000 events a second to ten endpoints: from the commit of a change to its first delivery',
  async run(stage, pace) {
    const rig = await openRig(stage);
    const rows: string[][] = [];
    for (const arm of arms) rows.push([arm.name, ...(await measure(rig, pace, arm))]);
    return [
      {
        title: 'Events to webhooks',
        columns: [
          '',
          'events',
          'deliveries',
          'missing',
          'out of order',
          'p50 ms',
          'p99 ms',
          'max ms',
          'all delivered after s',
          'worker µs a delivery',
          'Postgres µs a delivery',
          'receiver µs a delivery',
        ],
        rows,
        notes: [
          `${number(eventsPerSecond)} events a second for ${secondsOf(pace)} s, ${eventsPerWrite} a transaction, of ten organizations in turn. Ten endpoints in one receiving process that answers 204 at once. One worker with its usual settings. The times are from the commit to the arrival, and include the wait for the seal. Postgres: the sessions of the worker, its sealing included.`,
        ],
      },
    ];
  },
};

type Arm = { name: string; organizationOf(endpoint: number): string | null };

const arms: readonly Arm[] = [
  { name: 'each endpoint gets the events of its own organization', organizationOf: (at) => `org_${at}` },
  { name: 'each endpoint gets every event', organizationOf: () => null },
];

const secondsOf = ({ rounds }: Pace) => 2 * rounds;

type Rig = { stage: Stage; db: Database; receiver: BenchServer; worker: BenchServer };

async function openRig(stage: Stage): Promise<Rig> {
  const pool = openPool(
    {
      databaseUrl: stage.databaseUrl,
      applicationName: 'writer',
      connectionsMax: 4,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
    },
    (error) => console.error(String(error)),
  );
  const db = openDatabase(pool);
  stage.closing.add('writer', () => db.destroy());
  const receiver = await stage.startWebhookReceiver();
  const worker = await stage.startWorker({ WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' });
  return { stage, db, receiver, worker };
}

async function measure(rig: Rig, pace: Pace, arm: Arm): Promise<string[]> {
  const { stage, db, receiver } = rig;
  const organizations = Array.from({ length: endpointsCount }, (_, at) => arm.organizationOf(at));
  await replaceWebhooks(rig, organizations);
  await takeArrivals(receiver);
  await stage.otherWork.waitForQuiet();
  const before = await costs(rig);
  const startedMs = performance.now();
  const committed = await writeEvents(db, secondsOf(pace) * eventsPerSecond);
  const wanted = committed.size * organizations.filter((id) => id === null).length || committed.size;
  const arrivals: Arrival[] = [];
  while (arrivals.length < wanted && performance.now() - startedMs < settleMsMax) {
    await sleep(200);
    for (const arrival of await takeArrivals(receiver)) arrivals.push(arrival);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await costs(rig);
  const judged = judge(arrivals, committed);
  const micros = (cost: 'worker' | 'postgres' | 'receiver') =>
    number(((after[cost] - before[cost]) * 1_000) / arrivals.length, 1);
  return [
    number(committed.size),
    number(arrivals.length),
    number(wanted - judged.first.count),
    number(judged.outOfOrder),
    ...[judged.first.percentiles().p50Ms, judged.first.percentiles().p99Ms, judged.maxMs].map((ms) =>
      number(ms),
    ),
    number(seconds, 1),
    ...(['worker', 'postgres', 'receiver'] as const).map(micros),
  ];
}

async function replaceWebhooks({ stage, db, receiver }: Rig, organizations: readonly (string | null)[]) {
  await db.deleteFrom('webhooks').execute();
  const position = await findLastSeal(db);
  for (const [at, organizationId] of organizations.entries()) {
    const createdAt = new Date();
    const id = newId('webhook', createdAt, randomBytes);
    const secret = sealWebhookSecret(stage.keyring, id, newWebhookSecret(randomBytes));
    const url = `http://127.0.0.1:${receiver.port}/${at}`;
    const settings = { url, types: ['*'], organizationId, description: null, enabled: true };
    await db
      .transaction()
      .execute((tx) => insertWebhook(tx, { ...settings, id, secret, position, createdAt }));
  }
}

/** Writes at a fixed rate. Returns when each event was committed. */
async function writeEvents(db: Database, count: number): Promise<Map<string, number>> {
  const committed = new Map<string, number>();
  const startedMs = performance.now();
  for (let written = 0; written < count; written += eventsPerWrite) {
    await sleep(Math.max(0, startedMs + (written / eventsPerWrite) * writeMs - performance.now()));
    const now = new Date();
    const events = Array.from({ length: eventsPerWrite }, (_, index) => newEvent(written + index, now));
    await db.transaction().execute((tx) => finishChange(tx, { events, changes: [], kept: undefined }));
    const atMs = Date.now();
    for (const { id } of events) committed.set(id, atMs);
  }
  return committed;
}

function newEvent(at: number, now: Date) {
  return newAuditEvent({ now, randomBytes }, systemOrigin, {
    eventType: 'key.revoked',
    organizationId: `org_${at % endpointsCount}`,
    targetId: newId('key', now, randomBytes),
    details: { user_id: `user_${at}`, environment: 'prod', reason: 'superseded' },
  });
}

type Arrival = { path: string; eventId: string; atMs: number };

async function takeArrivals({ port }: BenchServer): Promise<Arrival[]> {
  const text = await (await fetch(`http://127.0.0.1:${port}/arrivals`)).text();
  return text.split('\n').flatMap((line) => {
    const [path = '', eventId = '', atMs = ''] = line.split(' ');
    return eventId === '' ? [] : [{ path, eventId, atMs: Number(atMs) }];
  });
}

/** First deliveries only. Within one endpoint the order is that of the commits. */
function judge(arrivals: readonly Arrival[], committed: ReadonlyMap<string, number>) {
  const first = new Latencies();
  const seen = new Set<string>();
  const lastMs = new Map<string, number>();
  let [outOfOrder, maxMs] = [0, 0];
  for (const { path, eventId, atMs } of arrivals) {
    const committedMs = committed.get(eventId);
    if (committedMs === undefined || seen.has(path + eventId)) continue;
    seen.add(path + eventId);
    if (committedMs < (lastMs.get(path) ?? 0)) outOfOrder++;
    lastMs.set(path, committedMs);
    first.record(atMs - committedMs);
    maxMs = Math.max(maxMs, atMs - committedMs);
  }
  return { first, outOfOrder, maxMs };
}

/** CPU time so far, in ms. */
async function costs({ stage, worker, receiver }: Rig) {
  const { rows } = await stage.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'flowplate-worker'`,
  );
  const postgres = rows.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0);
  return { worker: cpuMsOf(worker.pid), receiver: cpuMsOf(receiver.pid), postgres };
}
