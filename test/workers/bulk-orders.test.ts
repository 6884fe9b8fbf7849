import { afterAll, expect, test } from 'vitest';
import { idFloor } from '../../src/domain/ids.ts';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
afterAll(endAll);

const keysCount = 6_000;
const run = (text: string, values: unknown[] = []) => query(stores.databaseUrl, text, values);

async function orderAll(id: string): Promise<void> {
  const ids = Array.from(
    { length: keysCount },
    (_, index) => `${idFloor('key', new Date(Date.now() - index))}1${String(index).padStart(12, '0')}`,
  );
  await run(
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT id, id, 'p1', convert_to(id, 'UTF8'), 'fl_user_test_x', 'usr_' || n, 'org_1', 'test', '{}', '{}', now(), now()
     FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n)`,
    [ids],
  );
  await run(
    `INSERT INTO bulk_orders (id, action, filter, reason, newest_mint_number, orderer_kind, orderer_id, total,
       created_at, updated_at)
     VALUES ($1, 'revoke', '{"environment": "test"}', 'policy', 1000000, 'master_key', 'flm_1', $2, now(), now())`,
    [id, keysCount],
  );
}

const progress = async (id: string) => {
  const [row] = await run('SELECT status, affected FROM bulk_orders WHERE id = $1', [id]);
  return { status: String(row?.status), affected: Number(row?.affected) };
};

test('a job goes on after kill -9 where it stood: each key is changed once, with one event', async () => {
  const id = 'job_000000000000000000001';
  const first = await stores.startWorker();
  await orderAll(id);
  const begun = await eventually(
    20_000,
    () => progress(id),
    ({ affected }) => affected > 0,
  );
  first.kill('SIGKILL');
  await first.exited;
  const killed = await progress(id);
  expect(begun.affected).toBeGreaterThan(0);
  expect(killed).toMatchObject({ status: 'running' });
  const [rows] = await run(`SELECT count(*)::integer AS keys FROM api_keys WHERE status = 'revoked'`);
  expect(Number(rows?.keys)).toBe(killed.affected);
  await stores.startWorker();
  await eventually(
    60_000,
    () => progress(id),
    ({ status }) => status === 'completed',
  );
  expect(await progress(id)).toEqual({ status: 'completed', affected: keysCount });
  const [events] = await run(
    `SELECT count(*)::integer AS events, count(DISTINCT target_id)::integer AS keys FROM audit_events
     WHERE event_type = 'key.revoked'`,
  );
  expect(events).toEqual({ events: keysCount, keys: keysCount });
  const [left] = await run(`SELECT max(revision)::integer AS revision FROM api_keys`);
  expect(left).toEqual({ revision: 2 });
});
