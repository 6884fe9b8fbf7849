import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { ChangeListener } from '../../../src/stores/postgres/verifiers/change-listener.ts';
import { eventually } from '../../support/eventually.ts';
import { append, revisionOf } from '../../support/feed.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

async function listening() {
  let calls = 0;
  const listener = new ChangeListener(stores.databaseUrl, {
    onChange: () => {
      calls += 1;
    },
    onProgress: () => undefined,
  });
  await listener.start();
  return { listener, calls: () => calls };
}

async function listenerPids(): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'flowplate-listener'`.execute(stores.db);
  return rows.map((row) => row.pid);
}

test('a committed change is announced, one that was rolled back is not', async () => {
  const { listener, calls } = await listening();
  await stores.db
    .transaction()
    .execute(async (tx) => {
      await sql`SELECT pg_notify('key_changes', '')`.execute(tx);
      throw new Error('no');
    })
    .catch(() => undefined);
  await append(stores.db, revisionOf('flk_1', 2));
  await eventually(5_000, calls, (count) => count > 0);
  expect(calls()).toBe(1);
  await listener.close();
});

test('a listener whose connection was cut listens again', async () => {
  const { listener, calls } = await listening();
  const [pid] = await eventually(5_000, listenerPids, (pids) => pids.length === 1);
  await sql`SELECT pg_terminate_backend(${pid})`.execute(stores.db);
  await eventually(10_000, listenerPids, (pids) => pids.length === 1 && pids[0] !== pid);
  await eventually(
    10_000,
    async () => {
      await append(stores.db, revisionOf('flk_1', 2));
      return calls();
    },
    (count) => count > 0,
  );
  await listener.close();
});

test('a listener that was closed does not come back', async () => {
  const { listener } = await listening();
  await listener.close();
  await eventually(5_000, listenerPids, (pids) => pids.length === 0);
});
