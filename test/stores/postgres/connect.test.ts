import { createServer, type Server } from 'node:net';
import { sql } from 'kysely';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../src/stores/postgres/database.ts';
import { type LeasedServer, thisServer } from '../../../src/stores/postgres/leased-server.ts';
import { migrate } from '../../../src/stores/postgres/migrate.ts';
import { openPool, type PoolOptions } from '../../../src/stores/postgres/pool.ts';
import { eventually } from '../../support/eventually.ts';
import { quietPort } from '../../support/quiet-port.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

const bounds = { connectionsMax: 2, connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 };

function open(databaseUrl: string, changed: Partial<PoolOptions> = {}) {
  const pool = openPool(
    { databaseUrl, applicationName: 'hosts-test', ...bounds, ...changed },
    () => undefined,
  );
  const db = openDatabase(pool);
  onTestFinished(() => db.destroy());
  return db;
}

/** The test server's URL with other hosts before it. */
function behind(ports: readonly number[], parameters = ''): string {
  const url = new URL(stores.databaseUrl);
  const places = [...ports.map((port) => `127.0.0.1:${port}`), url.host];
  return url.href.replace(url.host, places.join(',')) + parameters;
}

/** Takes connections and never says a word, as a machine that hangs. */
async function startMute(): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.resume();
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { port: number }).port, connections: () => connections };
}

const one = async (db: ReturnType<typeof open>) =>
  (await sql<{ one: number }>`SELECT ${1}::int AS one`.execute(db)).rows[0]?.one;

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

test('a host that refuses connections is passed over', async () => {
  expect(await one(open(behind([await quietPort(), await quietPort()])))).toBe(1);
});

test('a host that does not answer costs one wait, and is passed over after it', async () => {
  const mute = await startMute();
  const db = open(behind([mute.port]), { connectTimeoutMs: 300 });
  await eventually(
    10_000,
    () => outcome(one(db)),
    (result) => result === 'done',
  );
  const before = mute.connections();
  const busy = sql`SELECT pg_sleep(0.3)`.execute(db);
  expect(await one(db)).toBe(1);
  await busy;
  expect(mute.connections()).toBe(before);
});

test('read-write takes no server that is read-only, and takes it once it is not', async () => {
  const name = new URL(stores.databaseUrl).pathname.slice(1);
  const alter = (change: string) =>
    sql`ALTER DATABASE ${sql.id(name)} ${sql.raw(change)} default_transaction_read_only`.execute(stores.db);
  await sql`ALTER DATABASE ${sql.id(name)} SET default_transaction_read_only = on`.execute(stores.db);
  onTestFinished(() => void alter('RESET'));
  const db = open(`${stores.databaseUrl}?target_session_attrs=read-write`);
  await expect(one(db)).rejects.toMatchObject({
    code: 'DEPENDENCY_UNAVAILABLE',
    cause: { message: 'no server of the URL is suitable (read-write)' },
  });
  expect(await one(open(`${stores.databaseUrl}?target_session_attrs=primary`))).toBe(1);
  expect(await one(open(stores.databaseUrl))).toBe(1);
  await alter('RESET');
  expect(await one(db)).toBe(1);
});

test('a connection whose server has become read-only is not used again', async () => {
  const db = open(stores.databaseUrl, { connectionsMax: 1 });
  const backend = async () =>
    (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)).rows[0]?.pid;
  const before = await backend();
  await sql`SET default_transaction_read_only = on`.execute(db);
  const insert = () => sql`INSERT INTO usage_totals (lineage_id) VALUES ('flk_read_only')`.execute(db);
  expect(await outcome(insert())).toBe('DEPENDENCY_UNAVAILABLE');
  expect(await outcome(insert())).toBe('done');
  expect(await backend()).not.toBe(before);
});

test('a pool uses no connection to another server than that of the lease', async () => {
  let confirmations = 0;
  const leasedServer: LeasedServer = {
    current: undefined,
    confirm: async () => {
      confirmations += 1;
    },
  };
  const db = open(stores.databaseUrl, { leasedServer, connectionsMax: 1 });
  const backend = async () =>
    (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db)).rows[0]?.pid;
  const before = await backend();
  const { rows } = await sql<{ server: string }>`SELECT ${sql.raw(thisServer)} AS server`.execute(db);
  leasedServer.current = rows[0]?.server;
  expect(await backend()).toBe(before);
  leasedServer.current = 'the one that was promoted';
  await expect(backend()).rejects.toMatchObject({
    code: 'DEPENDENCY_UNAVAILABLE',
    cause: { message: 'no server of the URL is suitable (that of the lease)' },
  });
  expect(confirmations).toBe(1);
  // A heartbeat has committed on the server that the new connection leads to.
  leasedServer.confirm = async () => {
    leasedServer.current = rows[0]?.server;
  };
  expect(await backend()).not.toBe(before);
});

test('time-outs and the plan of look-ups are settings of the session', async () => {
  const settings = async (changed: Partial<PoolOptions>) =>
    (
      await sql<Record<string, string>>`SELECT current_setting('statement_timeout') AS statement,
        current_setting('lock_timeout') AS lock, current_setting('enable_seqscan') AS scans`.execute(
        open(stores.databaseUrl, changed),
      )
    ).rows[0];
  expect(await settings({})).toEqual({ statement: '800ms', lock: '700ms', scans: 'on' });
  expect(await settings({ looksUpByIndex: true })).toEqual({
    statement: '800ms',
    lock: '700ms',
    scans: 'off',
  });
});

test('where sessions are shared, nothing is prepared and nothing set', async () => {
  const db = open(stores.databaseUrl, { sharesSessions: true, looksUpByIndex: true, connectionsMax: 1 });
  expect(await one(db)).toBe(1);
  const { rows } = await sql`SELECT (SELECT count(*) FROM pg_prepared_statements) AS prepared,
    current_setting('statement_timeout') AS statement, current_setting('enable_seqscan') AS scans`.execute(
    db,
  );
  expect(rows).toEqual([{ prepared: 0, statement: '0', scans: 'on' }]);
});

test.each(['26000', '42P05'])(
  'a session that is not the one in which a statement was prepared (%s) is DEPENDENCY_UNAVAILABLE, and the next one works',
  async (code) => {
    const db = open(stores.databaseUrl, { connectionsMax: 1 });
    const raise = sql`DO ${sql.lit(`BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '${code}'; END`)}`;
    expect(await outcome(raise.execute(db))).toBe('DEPENDENCY_UNAVAILABLE');
    expect(await one(db)).toBe(1);
  },
);

test('migrations find the first host that answers', async () => {
  await expect(migrate({ databaseUrl: behind([await quietPort()]) })).resolves.toBeUndefined();
});
