import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startReplica, type TestBroker } from '../support/broker.ts';
import { cloneDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { mint, revoke, revokeEverywhere, verify } from '../support/keys.ts';
import { giveMovableClock } from '../support/moved-clock.ts';
import { freshRedis } from '../support/redis.ts';

const minuteMs = 60_000;

let broker: TestBroker;
let drop: () => Promise<void>;
/** How far the server's clock is from the right time. */
let moveServerClock: (byMs: number) => Promise<void>;
beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  drop = database.drop;
  moveServerClock = await giveMovableClock(database.url);
  broker = await startReplica({
    DATABASE_URL: database.url,
    REDIS_URL: (await freshRedis(inject('redisUrl'))).url,
    FLOWPLATE_PEPPERS: `p1:${randomBytes(32).toString('base64url')}`,
    FLOWPLATE_ENV: 'test',
    LEASE_MS: '3000',
    DRAIN_MS: '0',
  });
});
afterAll(async () => {
  await broker.close();
  await drop();
});

const now = performance.now.bind(performance);
let passedMs = 0;
beforeAll(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** Until a heartbeat was answered that began after this. */
async function afterHeartbeat(): Promise<void> {
  for (let beats = 0; beats < 2; beats++) {
    const { lease_until: before } = await lease();
    await eventually(5_000, lease, ({ lease_until }) => lease_until.getTime() !== before.getTime());
  }
  await eventually(5_000, () => broker.api.parts.isLeaseHeld(), Boolean);
}

const lease = () => broker.db.selectFrom('verifiers').select('lease_until').executeTakeFirstOrThrow();

/** Moves the server's clock, and waits until the process has noticed. */
async function stepTo(byMs: number): Promise<void> {
  await moveServerClock(byMs);
  await afterHeartbeat();
}

/**
 * So much time passes, for this process and for the server alike, and its clock is so far from
 * right then.
 */
async function pass(ms: number, offMs: number): Promise<void> {
  passedMs += ms;
  await stepTo(offMs + ms);
}

async function lookups(): Promise<Record<string, number>> {
  const text = await broker.metrics.registry.metrics();
  const found = text.matchAll(/^flowplate_record_lookups_total\{source="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, source, count]) => [source, Number(count)]));
}

/** Where the record of this key comes from. */
async function sourceOf(key: string): Promise<string[]> {
  const before = await lookups();
  await verify(broker, key);
  const after = await lookups();
  return Object.keys(after).filter((source) => after[source] !== (before[source] ?? 0));
}

test('a server whose clock is set back by ten minutes makes no revoked key acceptable, then or later', async () => {
  const { key, key_id } = await mint(broker);
  expect(await sourceOf(key)).toEqual(['redis']);
  expect(await sourceOf(key)).toEqual(['memory']);
  await stepTo(-10 * minuteMs);
  await revokeEverywhere(broker, key_id);
  // By the server's clock, what was read before the step is four minutes old now: younger than a
  // record may become.
  await pass(14 * minuteMs, -10 * minuteMs);
  // The next change drops entries of fourteen minutes ago.
  await revoke(broker, (await mint(broker)).key_id);
  expect((await verify(broker, key)).code).toBe('REVOKED');
  await stepTo(0);
});

test.each([
  ['back', -10 * minuteMs],
  ['forward', 2 * minuteMs],
])('a step %s empties memory, and what Redis had before is not used', async (_direction, byMs) => {
  const { key } = await mint(broker);
  // Not from Redis, where the mint has left it: the clock was set back in the test before.
  expect(await sourceOf(key)).toEqual(['postgres']);
  expect(await sourceOf(key)).toEqual(['memory']);
  await stepTo(byMs);
  expect(await sourceOf(key)).toEqual(['postgres']);
  expect(await sourceOf(key)).toEqual(['memory']);
  await stepTo(0);
});

test('a clock that is slewed by less than a second leaves the caches as they are', async () => {
  const { key } = await mint(broker);
  await verify(broker, key);
  await stepTo(600);
  expect(await sourceOf(key)).toEqual(['memory']);
});
