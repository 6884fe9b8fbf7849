import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openQueue, registerSchedules } from '../../src/stores/queue.ts';
import { openQueueRedis } from '../../src/stores/redis/client.ts';
import { jobs } from '../../workers/jobs.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { logLines } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

afterAll(endAll);

/** An attacker who may write to Redis, and a worker that goes on counting all the same. */
async function openLane() {
  const stores = await workerStores();
  // What the attacker sends takes as long as it takes.
  const attacker = new Redis(stores.redisUrl, { maxRetriesPerRequest: null });
  atEnd(() => attacker.disconnect());
  const queueRedis = openQueueRedis({ redisUrl: stores.redisUrl }, () => undefined);
  const queue = openQueue(queueRedis, () => undefined);
  atEnd(async () => {
    await queue.close();
    queueRedis.disconnect();
  });
  const worker = await stores.startWorker();
  let lines = 0;
  return {
    ...stores,
    redis: attacker,
    queue,
    worker,
    async countingGoesOn(withinMs = 20_000): Promise<void> {
      const line = `flk_hostile_${++lines}`;
      await stores.push(line, 3);
      await eventually(
        withinMs,
        () => stores.counted(line),
        (count) => count === 3,
      );
      expect(worker.stderr()).toBe('');
    },
  };
}

type Lane = Awaited<ReturnType<typeof openLane>>;

const jobKey = (name: string) => `{fl:jobs}:flowplate:${name}`;
const hour = 3_600_000;

type Attack = [string, (lane: Lane) => Promise<unknown>];

const onTheQueue: Attack[] = [
  ['a queue that is paused', ({ queue }) => queue.pause()],
  [
    'schedules of once in a thousand years',
    async ({ queue }) => {
      await queue.obliterate({ force: true });
      for (const name of ['roll-up-usage', 'seal-audit', 'expire-keys'])
        await queue.upsertJobScheduler(name, { every: 8_760_000 * hour }, { name });
    },
  ],
  [
    'schedules whose next runs are gone',
    ({ redis }) => redis.del(jobKey('delayed'), jobKey('wait'), jobKey('prioritized')),
  ],
  [
    'keys of other types',
    async ({ redis }) => {
      for (const name of ['wait', 'active', 'delayed', 'repeat', 'meta', 'marker', 'events', 'id'])
        await redis.multi().del(jobKey(name)).sadd(jobKey(name), 'x').exec();
    },
  ],
  ['a limit of no job at once', ({ redis }) => redis.hset(jobKey('meta'), 'concurrency', '0')],
];

const onItsContents: Attack[] = [
  [
    'jobs that nobody knows, of names that every object has, with payloads that are none',
    async ({ queue, redis }) => {
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
  ['a job of 200 MB', ({ queue }) => queue.add('roll-up-usage', 'x'.repeat(200_000_000))],
  ['a roll-up that rests for ever', ({ redis }) => redis.set('fl:usage:pause', '1')],
  [
    'a rest of another type',
    ({ redis }) => redis.multi().del('fl:usage:pause').sadd('fl:usage:pause', '1').exec(),
  ],
  [
    'a flush of 300 MB',
    ({ redis }) => redis.setrange('s', 300_000_000, ']').then(() => moveToFlush(redis, 's')),
  ],
  [
    'sixteen flushes of 10 MB',
    async ({ redis }) => {
      for (let index = 0; index < 16; index++) {
        await redis.setrange('s', 10_000_000, ']');
        await moveToFlush(redis, 's');
      }
    },
  ],
  [
    'flushes under names of 100 MB',
    ({ redis }) => redis.hset('fl:usage:flushes', Buffer.alloc(100_000_000, 'n'), '[]'),
  ],
];

/** Lanes run side by side, for they wait most of the time; the tests of one follow each other. */
function inLane(name: string, testsOf: (lane: () => Lane) => void): void {
  describe.concurrent(name, () => {
    describe('in turn', { concurrent: false }, () => {
      let lane: Lane;
      beforeAll(async () => {
        lane = await openLane();
      });
      testsOf(() => lane);

      test('through all of that the worker was the same process, and ends when it is told to', async () => {
        lane.worker.kill('SIGTERM');
        expect((await lane.worker.exited).code).toBe(0);
      });
    });
  });
}

function testAttacks(lane: () => Lane, attacks: readonly Attack[]): void {
  test.each(attacks)(
    '%s stops no counting',
    async (_what, attack) => {
      const { redis, queue, countingGoesOn } = lane();
      await redis.flushall();
      await registerSchedules(queue, jobs);
      await countingGoesOn();
      await attack(lane());
      await countingGoesOn();
    },
    60_000,
  );
}

/** `HSET` of a text that need not travel. */
async function moveToFlush(redis: Lane['redis'], key: string): Promise<void> {
  const script = `redis.call('HSET', KEYS[1], ARGV[1], redis.call('GET', KEYS[2])) redis.call('DEL', KEYS[2])`;
  await redis.eval(script, 2, 'fl:usage:flushes', key, randomUUID());
}

inLane('attacks on the queue', (lane) => testAttacks(lane, onTheQueue));

inLane('attacks on what is in it, and on the flushes', (lane) => {
  testAttacks(lane, onItsContents);

  test('a value of another type in place of the flushes is removed, and counting goes on', async () => {
    const { redis, countingGoesOn } = lane();
    await redis.multi().del('fl:usage:flushes').set('fl:usage:flushes', 'x').exec();
    await eventually(
      20_000,
      () => redis.type('fl:usage:flushes'),
      (type) => type !== 'string',
    );
    await countingGoesOn();
  });

  test('what was forged is in no sum, and a thousand more of it take no more room', async () => {
    const { redis, flushStamps, waiting, counted, databaseUrl, countingGoesOn } = lane();
    const nowMs = Date.now();
    const minuteMs = nowMs - (nowMs % 60_000);
    const marks = JSON.stringify([['flk_forged', minuteMs, 'VALID', 1_000, 1_000, nowMs, nowMs]]);
    const genuine = flushStamps.stamp(randomUUID(), marks);
    const forging = redis.multi();
    for (let flush = 0; flush < 1_500; flush++)
      forging.hset('fl:usage:flushes', randomUUID(), flush % 2 === 0 ? marks : genuine);
    await forging.exec();
    await countingGoesOn();
    await eventually(30_000, waiting, (count) => count === 0);
    expect(await counted('flk_forged')).toBe(0);
    const [kept] = await query(databaseUrl, 'SELECT count(*)::int AS count FROM usage_flushes_set_aside');
    expect(kept?.count).toBeLessThanOrEqual(1_000);
  }, 60_000);
});

inLane('a queue that gives nothing for long', (lane) => {
  test('a queue that gave no runs is emptied, and gives them again', async () => {
    const { redis, queue, worker } = lane();
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
});
