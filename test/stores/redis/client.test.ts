import type { Redis } from 'ioredis';
import { afterAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { openQueueRedis, openRedis, waitUntilReady } from '../../../src/stores/redis/client.ts';
import { endAll } from '../../support/at-end.ts';
import { block } from '../../support/block.ts';
import { ownRedis } from '../../support/own-stores.ts';
import { startStallingProxy } from '../../support/stalling-proxy.ts';
import { readyRedis } from '../../support/stores.ts';

afterAll(endAll);

async function connected(commandTimeoutMs = 100) {
  const proxy = await startStallingProxy(inject('redisUrl'));
  onTestFinished(() => proxy.close());
  const faults: Error[] = [];
  const redis = openRedis(
    { redisUrl: proxy.url, commandTimeoutMs },
    (error) => void faults.push(error),
  ) as Redis;
  onTestFinished(() => redis.disconnect());
  await waitUntilReady(redis, 5_000);
  return { proxy, redis, faults };
}

describe('a pause of this process', () => {
  test('of 300 ms is not taken for a Redis that is away', async () => {
    const redis = openRedis(
      { redisUrl: inject('redisUrl'), commandTimeoutMs: 100 },
      () => undefined,
    ) as Redis;
    onTestFinished(() => redis.disconnect());
    await waitUntilReady(redis, 5_000);
    const answers = [redis.ping(), redis.get('absent'), redis.ping()];
    block(300);
    expect(await Promise.all(answers)).toEqual(['PONG', null, 'PONG']);
  });

  test('of more than a second does not cost the connection', async () => {
    const redis = openRedis(
      { redisUrl: inject('redisUrl'), commandTimeoutMs: 100 },
      () => undefined,
    ) as Redis;
    onTestFinished(() => redis.disconnect());
    await waitUntilReady(redis, 5_000);
    const { stream } = redis;
    const answer = redis.ping();
    block(1_300);
    expect(await answer).toBe('PONG');
    await redis.ping();
    expect(redis.stream).toBe(stream);
  });
});

describe('a Redis that hangs', () => {
  test('costs a command its time-out, and the connection after about a second', async () => {
    const { proxy, redis } = await connected();
    const closed = new Promise<void>((resolve) => void redis.once('close', resolve));
    const startedMs = performance.now();
    proxy.stall();
    await expect(redis.ping()).rejects.toThrow('timed out');
    expect(performance.now() - startedMs).toBeLessThan(600);
    await closed;
    const ms = performance.now() - startedMs;
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(3_000);
    await expect(redis.ping()).rejects.toThrow();
  });

  test('and answers within the second keeps its connection', async () => {
    const { proxy, redis } = await connected();
    const { stream } = redis;
    proxy.stall();
    await expect(redis.ping()).rejects.toThrow('timed out');
    proxy.resume();
    await expect(redis.ping()).resolves.toBe('PONG');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(redis.stream).toBe(stream);
  });
});

test('the wait for a missing Redis is bounded', async () => {
  const redis = openRedis({ redisUrl: 'redis://127.0.0.1:1', commandTimeoutMs: 100 }, () => undefined);
  onTestFinished(() => redis.disconnect());
  const startedMs = performance.now();
  await waitUntilReady(redis, 300);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  await expect(redis.ping()).rejects.toThrow();
});

test('an answer that never ends costs the connection and little memory, also on the one that waits for jobs', async () => {
  const { url } = (await ownRedis()).current();
  const writer = await readyRedis(url);
  onTestFinished(() => writer.disconnect());
  await writer.setrange('huge', 400_000_000, 'x');
  const [request, queue] = [
    openRedis({ redisUrl: url, commandTimeoutMs: 10_000 }, () => undefined) as Redis,
    (openQueueRedis({ redisUrl: url }, () => undefined) as Redis).duplicate({ maxRetriesPerRequest: 0 }),
  ];
  queue.on('error', () => undefined);
  for (const redis of [request, queue]) {
    onTestFinished(() => redis.disconnect());
    await waitUntilReady(redis, 5_000);
    const before = process.memoryUsage().arrayBuffers;
    let highest = 0;
    redis.stream.on('data', () => {
      highest = Math.max(highest, process.memoryUsage().arrayBuffers - before);
    });
    await expect(redis.get('huge')).rejects.toThrow();
    expect(highest).toBeLessThan(150_000_000);
    await waitUntilReady(redis, 5_000);
    expect(await redis.ping()).toBe('PONG');
  }
});
