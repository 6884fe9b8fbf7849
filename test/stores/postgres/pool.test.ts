import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Database, openDatabase } from '../../../src/stores/postgres/database.ts';
import { isLockTimeout } from '../../../src/stores/postgres/faults.ts';
import { openPool, type PoolOptions } from '../../../src/stores/postgres/pool.ts';
import { blockBeforeTimers } from '../../support/block.ts';
import { eventually } from '../../support/eventually.ts';
import { startStallingProxy } from '../../support/stalling-proxy.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

/** The bounds of the pool that mint, refresh and revoke use. */
function open(databaseUrl: string, changed: Partial<PoolOptions> = {}) {
  const faults: Error[] = [];
  const bounds = { connectionsMax: 2, connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 };
  const options = { databaseUrl, applicationName: 'pool-test', ...bounds, ...changed };
  const db = openDatabase(openPool(options, (fault) => void faults.push(fault)));
  onTestFinished(() => db.destroy());
  return { db, faults };
}

const backend = async (db: Database) =>
  (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)).rows[0]?.pid;

/** The first connection of a pool whose time-outs are shorter than opening one may take. */
const connected = (db: Database) =>
  eventually(
    10_000,
    () => backend(db).catch(() => undefined),
    (pid) => pid !== undefined,
  );

async function timed(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedMs = performance.now();
  const error = await work.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  return { error, ms: performance.now() - startedMs };
}

const unavailable = expect.objectContaining({ code: 'DEPENDENCY_UNAVAILABLE', retryAfterSeconds: 1 });

describe('a pause of this process is not taken for a database that is away', () => {
  const sleepFor = (db: Database, seconds: number) => sql`SELECT pg_sleep(${seconds})`.execute(db);

  test('while a statement runs: its answer has arrived meanwhile', async () => {
    const { db } = open(stores.databaseUrl, { statementTimeoutMs: 100 });
    await connected(db);
    const running = timed(sleepFor(db, 0.05));
    await sleep(20);
    await blockBeforeTimers(600);
    expect((await running).error).toBeUndefined();
  });

  test('while a caller waits for a connection: one has become free meanwhile', async () => {
    const { db } = open(stores.databaseUrl, { connectionsMax: 1, connectTimeoutMs: 150 });
    await connected(db);
    const running = timed(sleepFor(db, 0.1));
    const waiting = timed(backend(db));
    await sleep(20);
    await blockBeforeTimers(500);
    expect([(await running).error, (await waiting).error]).toEqual([undefined, undefined]);
  });
});

test('a connection that comes too late for its caller is free for the next one', async () => {
  const { db } = open(stores.databaseUrl, { connectionsMax: 1, connectTimeoutMs: 200 });
  await connected(db);
  const busy = sql`SELECT pg_sleep(0.5)`.execute(db);
  const given = await Promise.all([timed(backend(db)), timed(backend(db)), timed(backend(db))]);
  expect(given.map(({ error }) => error)).toEqual([unavailable, unavailable, unavailable]);
  await busy;
  for (let call = 0; call < 3; call++) expect(await backend(db)).toEqual(expect.any(Number));
});

describe('DEPENDENCY_UNAVAILABLE within about a second when', () => {
  test('a statement takes too long on the server', async () => {
    const { db } = open(stores.databaseUrl);
    const { error, ms } = await timed(sql`SELECT pg_sleep(20)`.execute(db));
    expect(error).toEqual(unavailable);
    expect(ms).toBeLessThan(3_000);
  });

  test('the server hangs; the connection is not used again', async () => {
    const proxy = await startStallingProxy(stores.databaseUrl);
    onTestFinished(() => proxy.close());
    const { db } = open(proxy.url, { connectionsMax: 1 });
    const before = await backend(db);
    proxy.stall();
    const { error, ms } = await timed(backend(db));
    expect(error).toEqual(unavailable);
    expect(ms).toBeLessThan(3_000);
    proxy.resume();
    const after = await backend(db);
    expect(after).not.toBe(before);
    expect(await backend(db)).toBe(after);
  });

  test('the server hangs in the middle of a transaction, without waiting once more for its rollback', async () => {
    const proxy = await startStallingProxy(stores.databaseUrl);
    onTestFinished(() => proxy.close());
    const { db } = open(proxy.url, { connectionsMax: 1 });
    const work = db.transaction().execute(async (tx) => {
      await sql`INSERT INTO usage_totals (lineage_id) VALUES ('flk_half')`.execute(tx);
      proxy.stall();
      await sql`SELECT 1`.execute(tx);
    });
    const { error, ms } = await timed(work);
    expect(error).toEqual(unavailable);
    expect(ms).toBeLessThan(3_000);
    proxy.resume();
    const rows = await db
      .selectFrom('usage_totals')
      .select('lineage_id')
      .where('lineage_id', '=', 'flk_half')
      .execute();
    expect(rows).toEqual([]);
  });

  test('the server hangs before a connection is made', async () => {
    const proxy = await startStallingProxy(stores.databaseUrl);
    onTestFinished(() => proxy.close());
    proxy.stall();
    const { db } = open(proxy.url);
    const { error, ms } = await timed(backend(db));
    expect(error).toEqual(unavailable);
    expect(ms).toBeLessThan(3_000);
  });

  test('nobody listens at the address', async () => {
    const { db } = open('postgres://nobody:x@127.0.0.1:1/none');
    expect((await timed(backend(db))).error).toEqual(unavailable);
  });

  test('every connection is busy', async () => {
    const { db } = open(stores.databaseUrl, { connectionsMax: 1, connectTimeoutMs: 300 });
    await backend(db);
    const busy = sql`SELECT pg_sleep(0.5)`.execute(db);
    expect((await timed(backend(db))).error).toEqual(unavailable);
    await busy;
  });

  test('a lock held by another transaction is a distinct error', async () => {
    const { db } = open(stores.databaseUrl, { lockTimeoutMs: 300 });
    const [locked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holder = stores.db.transaction().execute(async (tx) => {
      await sql`LOCK TABLE organizations`.execute(tx);
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const { error } = await timed(db.selectFrom('organizations').select('id').execute());
    held.resolve();
    await holder;
    expect(error).toEqual(unavailable);
    expect(isLockTimeout(error)).toBe(true);
  });

  test('the database is read-only just now', async () => {
    const { db } = open(`${stores.databaseUrl}?options=-c%20default_transaction_read_only%3Don`);
    const { error } = await timed(sql`INSERT INTO usage_totals (lineage_id) VALUES ('flk_1')`.execute(db));
    expect(error).toEqual(unavailable);
  });
});

test('a broken constraint arrives as it is', async () => {
  const { db } = open(stores.databaseUrl);
  const insert = () => sql`INSERT INTO usage_totals (lineage_id) VALUES ('flk_twice')`.execute(db);
  await insert();
  await expect(insert()).rejects.toMatchObject({ code: '23505', constraint: 'usage_totals_pkey' });
});

test('an idle connection that the server cuts is reported, and replaced at its next use', async () => {
  const { db, faults } = open(stores.databaseUrl, { connectionsMax: 1 });
  const before = await backend(db);
  await sql`SELECT pg_terminate_backend(${before})`.execute(stores.db);
  await eventually(
    5_000,
    () => faults.length,
    (count) => count > 0,
  );
  expect(await backend(db)).not.toBe(before);
});

test('counts arrive as numbers, days as text and instants as dates', async () => {
  const { db } = open(stores.databaseUrl);
  const { rows } =
    await sql`SELECT count(*) AS count, '2024-02-29'::date AS day, '2024-02-29 12:00Z'::timestamptz AS at
    WHERE ${1}::int = 1`.execute(db);
  expect(rows).toEqual([{ count: 1, day: '2024-02-29', at: new Date('2024-02-29T12:00:00Z') }]);
});

test('a statement is prepared once on a connection, and not beyond a bound', async () => {
  const { db } = open(stores.databaseUrl, { connectionsMax: 1 });
  const prepared = async () =>
    (await sql<{ count: number }>`SELECT count(*) AS count FROM pg_prepared_statements`.execute(db)).rows[0]
      ?.count;
  const ask = (variant: number, value: number) =>
    sql<{ sum: number }>`SELECT ${sql.lit(variant)} + ${value}::int AS sum`;
  for (let round = 0; round < 3; round++) await ask(1, round).execute(db);
  expect(await prepared()).toBe(1);
  for (let variant = 0; variant < 250; variant++) {
    expect((await ask(variant, 1).execute(db)).rows).toEqual([{ sum: variant + 1 }]);
  }
  expect(await prepared()).toBe(200);
});

test('the operator finds the connection under its name', async () => {
  const { db } = open(stores.databaseUrl);
  const { rows } =
    await sql`SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()`.execute(db);
  expect(rows).toEqual([{ application_name: 'pool-test' }]);
});
