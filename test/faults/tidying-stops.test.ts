import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { stopKeys } from '../../src/usecases/user-keys/stop-keys.ts';
import { newFleet } from '../linearizability/fleet.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { type OwnServer, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { type Moment, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { callerWith } from '../support/use-case-parts.ts';
import { withRedis } from './counted.ts';

let databaseUrl: string;
let redis: OwnServer<{ url: string; port: number }>;
let deployment: Deployment;
let toPostgres: TcpProxy;
let call: Parameters<typeof keyCalls>[0];

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  redis = await ownRedis();
  deployment = deploy({ databaseUrl, redisUrl: redis.current().url });
  ({ call } = await deployment.startApi());
  toPostgres = await startTcpProxy(Number(new URL(databaseUrl).port));
});

afterAll(endAll);

const keyCount = 8_000;
const organizationId = 'org_stopped';

type Step = { text: string; following?: string };

const batch: Step = { text: 'end_stopped_keys(' };
const place: Step = { text: 'UPDATE key_stops SET place', following: 'end_stopped_keys(' };
const commit: Step = { text: 'commit', following: 'end_stopped_keys(' };
const end: Step = { text: 'SET tidied_at' };
const endCommit: Step = { text: 'commit', following: 'SET tidied_at' };

/** In the order in which they come. */
const killPoints: readonly [Step, Moment][] = [
  [{ text: 'FROM pg_locks' }, 'before'],
  [{ text: 'FROM pg_locks' }, 'after'],
  [{ text: 'pg_try_advisory_xact_lock' }, 'after'],
  [batch, 'before'],
  [batch, 'after'],
  [place, 'before'],
  [place, 'after'],
  [commit, 'before'],
  [commit, 'after'],
  [end, 'before'],
  [end, 'after'],
  [endCommit, 'before'],
];

test('a worker killed -9 at every step of tidying a stop ends each key once, with one event, and comes to the end', async () => {
  const keys = keyCalls(call);
  const { key } = await keys.mint({ organization_id: organizationId });
  await query(
    databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT id, id, 'p1', id::bytea, 'p', 'user_' || id, $1, 'test', '{}', '{}', now(), now()
     FROM (SELECT 'flk_many' || lpad(number::text, 14, '0') AS id FROM generate_series(1, ${keyCount}) AS number) AS ids`,
    [organizationId],
  );
  const { operator } = newFleet({ databaseUrl, redisUrl: redis.current().url });
  const [by] = await query(databaseUrl, 'SELECT id FROM master_keys');
  const stopped = await stopKeys(operator, callerWith({ id: by?.id ?? '' }), {
    kind: 'organization',
    subject: organizationId,
  });
  expect(stopped?.propagation.isComplete).toBe(true);
  for (const [step, moment] of killPoints) {
    await runWorkerInto(step, moment);
    expect(await keys.codeOf(key)).toBe('REVOKED');
  }
  const worker = await deployment.startWorker();
  onTestFinished(() => worker.kill('SIGKILL'));
  await eventually(
    20_000,
    () => query(databaseUrl, 'SELECT FROM key_stops WHERE tidied_at IS NOT NULL'),
    (rows) => rows.length === 1,
  );
  const [found] = await query(
    databaseUrl,
    `SELECT count(*)::int AS keys, count(*) FILTER (WHERE status = 'revoked' AND revision = 2)::int AS revoked,
       (SELECT count(DISTINCT target_id)::int FROM audit_events WHERE event_type = 'key.revoked') AS audited,
       (SELECT count(*)::int FROM audit_events WHERE event_type = 'key.revoked') AS events,
       (SELECT sum(keys)::int FROM key_stop_counts) AS counted,
       (SELECT count(*)::int FROM key_changes) AS entries
     FROM api_keys WHERE organization_id = $1`,
    [organizationId],
  );
  const all = keyCount + 1;
  expect(found).toEqual({ keys: all, revoked: all, audited: all, events: all, counted: all, entries: 1 });
}, 180_000);

/** A worker that is killed the moment it sends this step. */
async function runWorkerInto(step: Step, moment: Moment): Promise<void> {
  const redisUrl = redis.current().url;
  // A worker that finds no schedules makes them, and they begin at once.
  await withRedis(redisUrl, async (client) => client.del('none', ...(await client.keys('{fl:jobs}:*'))));
  const url = new URL(databaseUrl);
  url.port = String(toPostgres.port);
  const { promise: tripped, resolve: trip } = Promise.withResolvers<void>();
  toPostgres.arm({ ...step, moment, trip });
  const worker = await deployment.launchWorker({ env: { DATABASE_URL: url.href } });
  onTestFinished(() => worker.kill('SIGKILL'));
  const never = sleep(20_000, undefined, { ref: false }).then(() =>
    expect.unreachable(`never sent ${step.text}`),
  );
  await Promise.race([tripped, never]);
  worker.kill('SIGKILL');
  await worker.exited;
}
