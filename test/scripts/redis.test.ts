import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { type EmbeddedRedis, startRedis } from '../../scripts/services/redis.ts';
import { serverDirectory } from '../support/temporary-directory.ts';

test('data and address survive a stop and a new start on the same port', async () => {
  const dataDir = join(await serverDirectory(), 'redis');
  const first = await startRedis({ dataDir });
  await withClient(first.url, (client) => client.set('word', 'kept'));
  await first.stop();

  await withRedis(dataDir, first.port, async ({ url }) => {
    expect(url).toBe(first.url);
    expect(await withClient(url, (client) => client.get('word'))).toBe('kept');
  });
});

test('what the append-only file holds survives kill -9', async () => {
  const dataDir = join(await serverDirectory(), 'redis');
  const first = await startRedis({ dataDir, settings: { appendfsync: 'always' } });
  await withClient(first.url, (client) => client.set('word', 'kept'));
  first.kill('SIGKILL');

  await withRedis(dataDir, first.port, async ({ url }) => {
    expect(await withClient(url, (client) => client.get('word'))).toBe('kept');
  });
});

test('it evicts nothing, wants its password and runs Lua with JSON', async () => {
  const dataDir = join(await serverDirectory(), 'redis');
  await withRedis(dataDir, undefined, async ({ url, port }) => {
    await withClient(url, async (client) => {
      expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
      expect(await client.eval('return cjson.encode({ a = { 1, 2 } })', 0)).toBe('{"a":[1,2]}');
    });
    const stranger = withClient(`redis://127.0.0.1:${port}/0`, (client) => client.get('word'));
    await expect(stranger).rejects.toThrow('NOAUTH');
  });
});

async function withRedis(
  dataDir: string,
  port: number | undefined,
  use: (redis: EmbeddedRedis) => Promise<void>,
): Promise<void> {
  const redis = await startRedis(port === undefined ? { dataDir } : { dataDir, port });
  try {
    await use(redis);
  } finally {
    await redis.stop();
  }
}

async function withClient<Result>(url: string, use: (client: Redis) => Promise<Result>): Promise<Result> {
  // RESP2 answers with lists instead of maps; without the ready check a missing password shows in
  // the command.
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    protocol: 2,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    client.disconnect();
  }
}
