import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { type EmbeddedPostgres, startPostgres } from '../../scripts/services/postgres.ts';
import { serverDirectory } from '../support/temporary-directory.ts';

const settings = { shared_buffers: '16MB' };

test('data survives a stop and a new start', async () => {
  const dataDir = join(await serverDirectory(), 'postgres');
  const first = await startPostgres({ dataDir, settings });
  await query(first.url, "CREATE TABLE kept AS SELECT 'committed' AS word");
  await first.stop();

  await withPostgres(dataDir, async ({ url }) => {
    expect(await query(url, 'SELECT word FROM kept')).toEqual([{ word: 'committed' }]);
  });
});

test('what was committed survives kill -9 of the server, and the next start needs no help', async () => {
  const dataDir = join(await serverDirectory(), 'postgres');
  const first = await startPostgres({ dataDir, settings });
  await query(first.url, 'CREATE TABLE kept (id integer)');
  const busy = query(first.url, 'SELECT pg_sleep(5)').catch(() => 'cut off');
  await query(first.url, 'INSERT INTO kept SELECT generate_series(1, 1000)');
  first.kill('SIGKILL');

  await withPostgres(dataDir, async ({ url }) => {
    expect(await query(url, 'SELECT count(*)::integer AS count FROM kept')).toEqual([{ count: 1000 }]);
  });
  await busy;
});

test('a leftover pid file whose number now belongs to another program does not block a start', async () => {
  const dataDir = join(await serverDirectory(), 'postgres');
  const first = await startPostgres({ dataDir, settings });
  const pidFile = join(dataDir, 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  await first.stop();
  await writeFile(pidFile, [process.ppid, ...lines.slice(1)].join('\n'));

  await withPostgres(dataDir, async ({ url }) => {
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

test('it listens on the loopback interface only, wants the password and keeps UTF-8, UTC and durability', async () => {
  const dataDir = join(await serverDirectory(), 'postgres');
  await withPostgres(dataDir, async ({ url, port }) => {
    const [facts] = await query(
      url,
      `SELECT current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
              current_setting('server_encoding') AS encoding, current_setting('timezone') AS timezone,
              current_setting('fsync') AS fsync, current_setting('server_version_num')::integer / 10000 AS major`,
    );
    expect(facts).toEqual({
      addresses: '127.0.0.1',
      sockets: '',
      encoding: 'UTF8',
      timezone: 'UTC',
      fsync: 'on',
      major: 18,
    });
    await expect(
      query(`postgres://postgres:wrong@127.0.0.1:${port}/postgres`, 'SELECT 1'),
    ).rejects.toMatchObject({
      code: '28P01',
    });
  });
});

test('a taken port is named in one sentence', async () => {
  const blocker = createServer();
  const port = await new Promise<number>((resolve) => {
    blocker.listen(0, '127.0.0.1', () => resolve((blocker.address() as { port: number }).port));
  });
  const dataDir = join(await serverDirectory(), 'postgres');
  await expect(startPostgres({ dataDir, port, settings })).rejects.toThrow(`Port ${port} is taken`);
  blocker.close();
});

test.runIf(process.getuid?.() === 0)(
  'started by root below a closed directory, it runs as somebody else',
  async () => {
    const dataDir = join(await serverDirectory(), 'postgres');
    await withPostgres(dataDir, async ({ pid }) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const [, realUid, effectiveUid] = /^Uid:\s+(\d+)\s+(\d+)/m.exec(status) ?? [];
      expect(Number(realUid)).toBeGreaterThan(0);
      expect(effectiveUid).toBe(realUid);
    });
  },
);

async function withPostgres(
  dataDir: string,
  use: (postgres: EmbeddedPostgres) => Promise<void>,
): Promise<void> {
  const postgres = await startPostgres({ dataDir, settings });
  try {
    await use(postgres);
  } finally {
    await postgres.stop();
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
