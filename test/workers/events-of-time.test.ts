import { afterAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { query, withConnection } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
afterAll(endAll);

const keys = 1_200;

const told = async () =>
  (
    await query(
      stores.databaseUrl,
      `SELECT count(*)::int AS events, count(DISTINCT target_id)::int AS keys FROM audit_events
       WHERE event_type = 'key.expiring' AND details->>'days_left' = '7'`,
    )
  )[0];

test('a worker killed -9 while it writes the events of many keys writes each once, with the next worker', async () => {
  await query(
    stores.databaseUrl,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
       metadata, scopes, expires_at, created_at, updated_at)
     SELECT id, id, 'p1', id::bytea, 'fl_user_test_abcdefgh', id, 'org_1', 'test', '{}', '{}',
       now() + interval '6 days 23 hours' + number * interval '1 second', now() - interval '60 days', now()
     FROM (SELECT number, 'flk_end' || lpad(number::text, 15, '0') AS id FROM generate_series(1, ${keys}) AS number) AS ids`,
  );
  await query(stores.databaseUrl, `UPDATE event_watches SET told_until = now() - interval '2 hours'`);
  await withConnection(stores.databaseUrl, async (client) => {
    await client.query('BEGIN');
    // One page of events can be committed, and the next waits for its queue of sealing.
    await client.query('LOCK TABLE audit_unsealed IN SHARE MODE');
    const worker = await stores.startWorker();
    const waits = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
      AND query LIKE '%finish_change%'`;
    await eventually(
      10_000,
      () => query(stores.databaseUrl, waits),
      (rows) => rows.length > 0,
    );
    worker.kill('SIGKILL');
    await worker.exited;
    await client.query('ROLLBACK');
  });
  expect(await told()).toEqual({ events: 0, keys: 0 });
  // Workers that find no schedules make them, and the jobs begin at once.
  await stores.redis.del('none', ...(await stores.redis.keys('{fl:jobs}:*')));
  const workers = await Promise.all([stores.startWorker(), stores.startWorker()]);
  await eventually(30_000, told, (found) => found?.events === keys);
  expect(await told()).toEqual({ events: keys, keys });
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ exited }) => exited));
}, 60_000);
