import { randomBytes } from 'node:crypto';
import { Worker } from 'bullmq';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Stamps } from '../../../src/domain/stamp.ts';
import { emptyQueues, openQueue, queueName } from '../../../src/stores/queue.ts';
import { openQueueRedis } from '../../../src/stores/redis/client.ts';
import { keyspace } from '../../../src/stores/redis/keyspace.ts';
import { pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { jobs } from '../../../workers/jobs.ts';
import { callAs, type Headers } from '../../support/api-keys.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { startReplica, type TestBroker } from '../../support/broker.ts';
import { cloneDatabase } from '../../support/database.ts';
import { deploy } from '../../support/deployment.ts';
import { expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { ownRedis } from '../../support/own-stores.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { readyRedis } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';

const path = '/api/v1/platform/queues';

/** A Redis of its own: it is stopped and killed here. */
const redis = await ownRedis();
const database = await cloneDatabase(inject('postgresUrl'));
atEnd(() => database.drop());
const urls = { databaseUrl: database.url, redisUrl: redis.current().url };

let broker: TestBroker;
let headers: Headers;
beforeAll(async () => {
  broker = await startReplica({
    DATABASE_URL: urls.databaseUrl,
    REDIS_URL: urls.redisUrl,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    DRAIN_MS: '0',
  });
  atEnd(() => broker.close());
  headers = (await platformKey(broker)).headers;
});
afterAll(endAll);

async function queues(by = broker) {
  const { status, body } = await callAs(by, headers, `GET ${path}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

type Seen = Awaited<ReturnType<typeof queues>>;
const until = (passes: (seen: Seen) => boolean) => eventually(15_000, () => queues(), passes);

testOperatorAccess(() => broker, `GET ${path}`, { may: 'role_platform_viewer' });

test('422: a query is refused', async () => {
  expectViolations(await callAs(broker, headers, `GET ${path}?limit=1`), '');
});

test('before any worker has run there is nothing, and looking leaves nothing', async () => {
  const client = await readyRedis(urls.redisUrl);
  atEnd(() => client.disconnect());
  expect((await queues()).queue).toEqual({
    waiting: 0,
    active: 0,
    delayed: 0,
    failed: 0,
    oldest_due: null,
    last_completed: null,
    last_failed: null,
  });
  expect(await client.keys(`${keyspace.jobsPrefix}*`)).toEqual([]);
});

test('with a worker each job is to come, and some have been completed; without one, what is due says since when', async () => {
  const client = await readyRedis(urls.redisUrl);
  atEnd(() => client.disconnect());
  const worker = await deploy(urls).startWorker();
  const running = await until(({ queue }) => queue.last_completed !== null && queue.delayed > 0);
  expect(running.up).toBe(true);
  expect(Object.keys(jobs)).toContain(running.queue.last_completed.job);
  await until(({ queue }) => queue.delayed + queue.active + queue.waiting === Object.keys(jobs).length);
  worker.kill('SIGTERM');
  await worker.exited;
  const stoppedAt = Date.now();
  const flushStamps = new Stamps(broker.config.FLOWPLATE_PEPPERS, 'usage');
  await pushFlush(
    { redis: client, flushStamps },
    usageFlush(usageMark('flk_waiting', new Date().toISOString())),
  );
  const late = await until(({ queue }) => queue.oldest_due !== null);
  expect(Object.keys(jobs)).toContain(late.queue.oldest_due.job);
  const at = Date.parse(late.queue.oldest_due.at);
  expect(at).toBeGreaterThan(stoppedAt - 60_000);
  expect(at).toBeLessThanOrEqual(Date.now());
  expect(late.queue.oldest_due.seconds).toBeGreaterThanOrEqual(0);
  expect(late.usage_flushes_waiting).toBeGreaterThanOrEqual(1);
});

test('a run that failed is counted and named, and nothing is told of why', async () => {
  const connection = openQueueRedis({ redisUrl: urls.redisUrl }, () => undefined);
  const queue = openQueue(connection, () => undefined);
  // Scheduled runs that are due would fail beside it, and be the last ones that failed.
  await emptyQueues(connection);
  const failing = new Worker(queueName, () => Promise.reject(new Error('a secret of the database')), {
    connection,
    prefix: keyspace.jobsPrefix,
  });
  await queue.add('expire-keys', {});
  const seen = await until(({ queue: health }) => health.last_failed?.job === 'expire-keys');
  await failing.close();
  await queue.close();
  connection.disconnect();
  expect(seen.queue.failed).toBeGreaterThan(0);
  expect(JSON.stringify(seen)).not.toContain('secret');
});

test.each([
  ['times that are none', { finishedOn: 'x', timestamp: 'x', opts: '{"delay":"x"}' }],
  [
    'times beyond all calendars',
    { finishedOn: '9000000000000000', timestamp: '9000000000000000', opts: '{"delay":1e300}' },
  ],
  ['a name of a megabyte', { name: 'n'.repeat(1_000_000), finishedOn: '1', timestamp: '1' }],
  ['options that are no JSON', { opts: '{' }],
  ['no fields that a job has', { x: '1' }],
])('a forged job with %s makes no answer a 500', async (_what, forged) => {
  const client = await readyRedis(urls.redisUrl);
  const key = (name: string) => `${keyspace.jobsPrefix}:${queueName}:${name}`;
  const fields = { name: 'forged', data: '{}', opts: '{}', ...forged };
  await client.hset(key('forged'), fields);
  for (const state of ['completed', 'failed', 'delayed']) await client.zadd(key(state), 9e15, 'forged');
  const seen = await queues();
  expect(JSON.stringify(seen).length).toBeLessThan(2_000);
  for (const state of ['completed', 'failed', 'delayed']) await client.zrem(key(state), 'forged');
  await client.del(key('forged'));
  client.disconnect();
});

const down = { up: false, queue: null, usage_flushes_waiting: null };

test('a Redis that hangs is down, and up again when it goes on', async () => {
  redis.current().kill('SIGSTOP');
  try {
    expect(await queues()).toEqual(down);
    expect(await queues()).toEqual(down);
  } finally {
    redis.current().kill('SIGCONT');
  }
  await until(({ up }) => up);
});

test('a Redis that is gone is down; it comes back empty, also for a process that started without it', async () => {
  await redis.kill();
  expect(await queues()).toEqual(down);
  const started = await broker.replica();
  atEnd(() => started.close());
  expect(await queues(started)).toEqual(down);
  await redis.restart();
  for (const by of [broker, started]) {
    const seen = await eventually(
      15_000,
      () => queues(by),
      ({ up }) => up,
    );
    expect(seen.queue.last_failed).toBeNull();
  }
});
