import { afterAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool } from '../../src/stores/postgres/pool.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { sealedIds, writeEvents } from '../support/audit-chain.ts';
import { eventually } from '../support/eventually.ts';
import { logLines } from '../support/processes.ts';
import { query, withConnection } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
afterAll(endAll);
const { databaseUrl } = stores;
const db = openDatabase(
  openPool(
    {
      databaseUrl,
      applicationName: 'flowplate-test',
      connectionsMax: 2,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 5_000,
      lockTimeoutMs: 4_000,
    },
    () => undefined,
  ),
);
atEnd(() => db.destroy());

const sealed = (count: number) =>
  eventually(
    20_000,
    () => sealedIds(databaseUrl),
    (ids) => ids.length >= count,
  );

test('a worker killed in the middle of sealing leaves no gap and no double, and the next one goes on', async () => {
  await writeEvents(db, 40);
  await withConnection(databaseUrl, async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE audit_heads IN EXCLUSIVE MODE');
    const worker = await stores.startWorker();
    const blocked = `SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'flowplate-worker' AND wait_event_type = 'Lock' AND query LIKE '%audit_heads%'`;
    await eventually(
      20_000,
      () => query(databaseUrl, blocked),
      (rows) => rows.length > 0,
    );
    worker.kill('SIGKILL');
    await worker.exited;
    await client.query('ROLLBACK');
  });
  await eventually(10_000, stores.connected, (count) => count === 0);
  expect(await sealedIds(databaseUrl)).toEqual([]);

  const workers = await Promise.all([stores.startWorker(), stores.startWorker()]);
  await writeEvents(db, 10);
  await sealed(50);
  const ids = await sealedIds(databaseUrl);
  expect(new Set(ids).size).toBe(50);
  const seqs = await query(
    databaseUrl,
    'SELECT min(seq) AS first, max(seq) AS last, count(*) FROM audit_seals',
  );
  expect(seqs).toEqual([{ first: '1', last: '50', count: '50' }]);

  const heads = await query(
    databaseUrl,
    `SELECT seq::int, encode(hash, 'hex') AS hash FROM audit_heads ORDER BY 1`,
  );
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ exited }) => exited));
  const logged = workers
    .flatMap(logLines)
    .filter(({ msg }) => msg === 'audit sealed')
    .map(({ seq, hash }) => ({ seq, hash }))
    .sort((a, b) => Number(a.seq) - Number(b.seq));
  expect(logged).toEqual(heads);
});
