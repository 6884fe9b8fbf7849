import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openQueue, registerSchedules } from '../../src/stores/queue.ts';
import { openQueueRedis } from '../../src/stores/redis/client.ts';
import { jobs } from '../../workers/jobs.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import type { Started } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { logLines } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

/** An attacker who may write to Redis, and a worker that goes on counting all the same. */
const stores = await workerStores();
const { redis } = stores;
const queueRedis = openQueueRedis(stores.redisUrl, () => undefined);
const queue = openQueue(queueRedis, () => undefined);
atEnd(async () => {
  await queue.close();
  queueRedis.disconnect();
});
afterAll(endAll);

let worker: Started;
beforeAll(async () => {
  worker = await stores.startWorker();
});

const jobKey = (name: string) => `{fl:jobs}:flowplate:${name}`;
const hour = 3_600_000;

let lines = 0;
async function countingGoesOn(withinMs = 20_000): Promise<void> {
  const line = `flk_hostile_${++lines}`;
  await stores.push(line, 3);
  await eventually(
    withinMs,
    () => stores.counted(line),
    (count) => count === 3,
  );
  expect(worker.stderr()).toBe('');
}

test.each<[string, () => Promise<unknown>]>([
  ['a queue that is paused', () => queue.pause()],
  [
    'schedules of once in a thousand years',
    async () => {
      await queue.obliterate({ force: true });
      for (const name of ['roll-up-usage', 'seal-audit', 'expire-keys'])
        await queue.upsertJobScheduler(name, { every: 8_760_000 * hour }, { name });
    },
  ],
  [
    'schedules whose next runs are gone',
    () => redis.del(jobKey('delayed'), jobKey('wait'), jobKey('prioritized')),
  ],
  [
    'keys of other types',
    async () => {
      for (const name of ['wait', 'active', 'delayed', 'repeat', 'meta', 'marker', 'events', 'id'])
        await redis.multi().del(jobKey(name)).sadd(jobKey(name), 'x').exec();
    },
  ],
  ['a limit of no job at once', () => redis.hset(jobKey('meta'), 'concurrency', '0')],
  [
    'jobs that nobody knows, of names that every object has, with payloads that are none',
    async () => {
      for (const name of ['constructor', '__proto__', 'toString', 'drop-tables', 'x'.repeat(100_000)])
        await queue.add(name, { sql: 'DROP TABLE api_keys', lineage_id: 'flk_forged' });
      await redis.hset(
        jobKey('forged'),
        'name',
        'roll-up-usage',
        'data',
        '{',
        'opts',
        '[[',
        'timestamp',
        'x',
      );
      await redis.lpush(jobKey('wait'), 'forged', 'no-such-job', '');
    },
  ],
  ['a job of 200 MB', () => queue.add('roll-up-usage', 'x'.repeat(200_000_000))],
  ['a roll-up that rests for ever', () => redis.set('fl:usage:pause', '1')],
  ['a rest of another type', () => redis.multi().del('fl:usage:pause').sadd('fl:usage:pause', '1').exec()],
  ['a flush of 300 MB', () => redis.setrange('s', 300_000_000, ']').then(() => moveToFlush('s'))],
  [
    'flushes under names of 100 MB',
    () => redis.hset('fl:usage:flushes', Buffer.alloc(100_000_000, 'n'), '[]'),
  ],
])(
  '%s stops no counting',
  async (_what, attack) => {
    await redis.flushall();
    await registerSchedules(queue, jobs);
    await countingGoesOn();
    await attack();
    await countingGoesOn();
  },
  60_000,
);

/** `HSET` of a text that need not travel. */
async function moveToFlush(key: string): Promise<void> {
  const script = `redis.call('HSET', KEYS[1], ARGV[1], redis.call('GET', KEYS[2])) redis.call('DEL', KEYS[2])`;
  await redis.eval(script, 2, 'fl:usage:flushes', key, randomUUID());
}

test('a value of another type in place of the flushes is removed, and counting goes on', async () => {
  await redis.multi().del('fl:usage:flushes').set('fl:usage:flushes', 'x').exec();
  await eventually(
    20_000,
    () => redis.type('fl:usage:flushes'),
    (type) => type !== 'string',
  );
  await countingGoesOn();
});

test('a queue that gave no runs is emptied, and gives them again', async () => {
  await redis.flushall();
  await redis.multi().del(jobKey('repeat')).set(jobKey('repeat'), 'x').exec();
  await queue.pause();
  const runs = () => queue.getJobSchedulers().catch(() => []);
  await eventually(60_000, runs, (schedulers) => schedulers.length > 3);
  await eventually(
    10_000,
    () => queue.isPaused(),
    (isPaused) => !isPaused,
  );
  expect(logLines(worker).map(({ msg }) => msg)).toContain('the queue has no runs: it was emptied');
}, 90_000);

test('what was forged is in no sum, and a thousand more of it take no more room', async () => {
  const nowMs = Date.now();
  const minuteMs = nowMs - (nowMs % 60_000);
  const marks = JSON.stringify([['flk_forged', minuteMs, 'VALID', 1_000, 1_000, nowMs, nowMs]]);
  const genuine = stores.flushStamps.stamp(randomUUID(), marks);
  const forging = redis.multi();
  for (let flush = 0; flush < 1_500; flush++)
    forging.hset('fl:usage:flushes', randomUUID(), flush % 2 === 0 ? marks : genuine);
  await forging.exec();
  await countingGoesOn();
  await eventually(30_000, stores.waiting, (waiting) => waiting === 0);
  expect(await stores.counted('flk_forged')).toBe(0);
  const [kept] = await query(
    stores.databaseUrl,
    'SELECT count(*)::int AS count FROM usage_flushes_set_aside',
  );
  expect(kept?.count).toBeLessThanOrEqual(1_000);
}, 60_000);

test('through all of that the worker was the same process, and ends when it is told to', async () => {
  worker.kill('SIGTERM');
  expect((await worker.exited).code).toBe(0);
});
