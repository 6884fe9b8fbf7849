import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { cloneDatabase } from './database.ts';
import { freshRedis } from './redis.ts';
import { makeRunDirectory } from './run-directory.ts';

test('each caller gets a migrated database of its own, also when many ask at once', async () => {
  const clones = await Promise.all(Array.from({ length: 6 }, () => cloneDatabase(inject('postgresUrl'))));
  try {
    expect(new Set(clones.map((clone) => clone.url)).size).toBe(6);
    const tables = await Promise.all(clones.map((clone) => tableNames(clone.url)));
    for (const names of tables) expect(names).toContain('schema_migrations');
  } finally {
    for (const clone of clones) await clone.drop();
  }
});

test('a dropped database is gone although somebody is still connected', async () => {
  const clone = await cloneDatabase(inject('postgresUrl'));
  const client = new Client({ connectionString: clone.url });
  client.on('error', () => {});
  await client.connect();
  await clone.drop();
  await expect(tableNames(clone.url)).rejects.toMatchObject({ code: '3D000' });
});

test('each caller gets an empty logical Redis of its own', async () => {
  const [mine, other] = await Promise.all([freshRedis(inject('redisUrl')), freshRedis(inject('redisUrl'))]);
  const [client, otherClient] = [new Redis(mine.url), new Redis(other.url)];
  try {
    await client.set('name', 'mine');
    expect(await otherClient.dbsize()).toBe(0);
    await mine.flush();
    expect(await client.dbsize()).toBe(0);
  } finally {
    client.disconnect();
    otherClient.disconnect();
  }
});

async function tableNames(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ tablename: string }>('SELECT tablename FROM pg_tables');
    return rows.map((row) => row.tablename);
  } finally {
    await client.end();
  }
}

test.runIf(inject('runDirectory').startsWith('/dev/shm/'))(
  'data in memory of a run that was killed is removed by the next run, and that of a run that goes on stays',
  async () => {
    const pidMax = 4_194_304;
    const left = join(dirname(inject('runDirectory')), `flowplate-test-${pidMax + 1}-killed`);
    await mkdir(left);
    const next = await makeRunDirectory();
    try {
      expect([left, next, inject('runDirectory')].map((path) => existsSync(path))).toEqual([
        false,
        true,
        true,
      ]);
    } finally {
      await rm(next, { recursive: true });
    }
  },
);
