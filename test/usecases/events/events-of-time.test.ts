import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { toEnvelope } from '../../../src/domain/events/envelope.ts';
import type { Quota } from '../../../src/domain/user-key.ts';
import { type AuditEventRow, toAuditEvent } from '../../../src/stores/postgres/audit/events.ts';
import { saveMasterKeyUses } from '../../../src/stores/postgres/master-keys/master-keys.ts';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { upsertVerifier } from '../../../src/stores/postgres/verifiers/verifiers.ts';
import { pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { tellEndingMasterKeys } from '../../../src/usecases/master-keys/tell-ending-master-keys.ts';
import { tellUnusedMasterKeys } from '../../../src/usecases/master-keys/tell-unused-master-keys.ts';
import { tellDueRotations } from '../../../src/usecases/user-keys/tell-due-rotations.ts';
import { tellEndingKeys } from '../../../src/usecases/user-keys/tell-ending-keys.ts';
import { tellSpentQuotas } from '../../../src/usecases/user-keys/tell-spent-quotas.ts';
import { tellStaleKeys } from '../../../src/usecases/user-keys/tell-stale-keys.ts';
import { updateKey } from '../../../src/usecases/user-keys/update-key.ts';
import { tellLapsedVerifiers } from '../../../src/usecases/verifiers/tell-lapsed-verifiers.ts';
import { admitTestCallers, testMasterKey } from '../../support/callers.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';
import { callerWith, mintedKey, useCaseParts, WalkedClock } from '../../support/use-case-parts.ts';

const dayMs = 86_400_000;
const start = new Date('2030-06-03T12:00:00.000Z');
const day = (days: number) => new Date(start.getTime() + days * dayMs);

const stores = await openStores();
const { db, databaseUrl, redis, flushStamps } = stores;
const clock = new WalkedClock(start);
const parts = useCaseParts(stores, clock);
const idleness = { keyStaleDays: 90, masterKeyUnusedDays: 90 };
const jobParts = { ...parts, redis, flushStamps, onSetAside: () => undefined, idleness };
beforeAll(() => admitTestCallers(db));
afterAll(() => stores.close());

/** Each test has the database of day 0 to itself. */
beforeEach(async () => {
  await query(databaseUrl, `UPDATE api_keys SET status = 'revoked'`);
  await query(
    databaseUrl,
    `UPDATE event_watches SET told_until = $1, ran_at = $1, after_id = '~', round_until = NULL`,
    [start],
  );
  clock.walk(start.getTime() - clock.nowMs());
});

const makeCanary = (keyId: string) =>
  query(
    databaseUrl,
    `INSERT INTO canary_keys (key_id, pepper_id, digest) VALUES ($1::text, 'p1', $1::text::bytea)`,
    [keyId],
  );

async function eventsOf(targetId: string, eventType: string) {
  const rows = await query(
    databaseUrl,
    'SELECT * FROM audit_events WHERE target_id = $1 AND event_type = $2 ORDER BY id',
    [targetId, eventType],
  );
  return rows.map(({ details }) => details);
}

describe('key.expiring', () => {
  const told = async (keyId: string) =>
    (await eventsOf(keyId, 'key.expiring')).map(({ days_left }) => days_left);

  test('is written 30, 7 and 1 day before the end, once each, also by two runs at once', async () => {
    const { keyId, request } = await mintedKey(parts, { expiresAt: day(60) });
    expect(await tellEndingKeys(parts, day(29.9))).toBe(0);
    const both = await Promise.all([tellEndingKeys(parts, day(30.1)), tellEndingKeys(parts, day(30.1))]);
    expect(both.toSorted()).toEqual([0, 1]);
    expect(await tellEndingKeys(parts, day(52.9))).toBe(0);
    expect(await tellEndingKeys(parts, day(53))).toBe(1);
    expect(await tellEndingKeys(parts, day(53))).toBe(0);
    expect(await tellEndingKeys(parts, day(59.5))).toBe(1);
    expect(await tellEndingKeys(parts, day(61))).toBe(0);
    expect(await eventsOf(keyId, 'key.expiring')).toMatchObject([
      { days_left: 30, expires_at: day(60).toISOString(), user_id: request.userId, environment: 'test' },
      { days_left: 7 },
      { days_left: 1 },
    ]);
  });

  test('of a key made with less time left is written for the days ahead alone', async () => {
    const month = await mintedKey(parts, { expiresAt: day(30) });
    const week = await mintedKey(parts, { expiresAt: day(6) });
    for (const at of [0.01, 5.5, 23.5, 29.5]) await tellEndingKeys(parts, day(at));
    expect([await told(month.keyId), await told(week.keyId)]).toEqual([[7, 1], [1]]);
  });

  test('after a long pause of the worker is written once, for the nearest of the days that passed', async () => {
    const near = await mintedKey(parts, { expiresAt: day(60) });
    const far = await mintedKey(parts, { expiresAt: day(66) });
    const ended = await mintedKey(parts, { expiresAt: day(59) });
    await tellEndingKeys(parts, day(59.5));
    expect(await Promise.all([near, far, ended].map(({ keyId }) => told(keyId)))).toEqual([[1], [7], []]);
  });

  test('starts anew with a changed end', async () => {
    const { keyId } = await mintedKey(parts, { expiresAt: day(31) });
    await tellEndingKeys(parts, day(24.5));
    clock.walk(25 * dayMs);
    await updateKey(parts, callerWith(), keyId, { name: 'renamed' });
    await updateKey(parts, callerWith(), keyId, { expiresAt: day(25 + 30) });
    for (const at of [25.1, 48.5, 54.5]) await tellEndingKeys(parts, day(at));
    expect(await told(keyId)).toEqual([7, 7, 1]);
  });

  test('is not written for keys that end without a loss: disabled, revoked, of a deleted organization', async () => {
    const disabled = await mintedKey(parts, { expiresAt: day(60) });
    const revoked = await mintedKey(parts, { expiresAt: day(60) });
    const deleted = await mintedKey(parts, { expiresAt: day(60), organizationId: 'org_deleted' });
    await query(databaseUrl, 'UPDATE api_keys SET enabled = false WHERE id = $1', [disabled.keyId]);
    await query(databaseUrl, `UPDATE api_keys SET status = 'revoked' WHERE id = $1`, [revoked.keyId]);
    await query(databaseUrl, `UPDATE organizations SET status = 'deleted' WHERE id = 'org_deleted'`);
    expect(await tellEndingKeys(parts, day(30.1))).toBe(0);
    expect(await told(deleted.keyId)).toEqual([]);
  });

  test('is written for each of many keys with the same end', async () => {
    await query(
      databaseUrl,
      `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
         metadata, scopes, expires_at, created_at, updated_at)
       SELECT id, id, 'p1', id::bytea, 'fl_user_test_abcdefgh', id, 'org_1', 'test', '{}', '{}', $1, $2, $2
       FROM (SELECT 'flk_same' || lpad(number::text, 14, '0') AS id FROM generate_series(1, 1200) AS number) AS ids`,
      [day(60), start],
    );
    expect(await tellEndingKeys(parts, day(30.1))).toBe(1_200);
    expect(await tellEndingKeys(parts, day(30.2))).toBe(0);
  });
});

test('master_key.expiring is written 30, 7 and 1 day before the end, and not for an end just set', async () => {
  const insert = `INSERT INTO master_keys (id, name, pepper_id, digest, permissions, expires_at, created_at, expires_set_at)
    VALUES ($1::text, $1::text, 'p1', $1::text::bytea, '{}', $2, $3, $4)`;
  await query(databaseUrl, insert, ['flm_ending', day(60), start, null]);
  await query(databaseUrl, insert, ['flm_rotated', day(60), start, day(53)]);
  for (const at of [30.5, 53.5, 59.5]) await tellEndingMasterKeys(parts, day(at));
  expect(await eventsOf('flm_ending', 'master_key.expiring')).toMatchObject([
    { days_left: 30, expires_at: day(60).toISOString() },
    { days_left: 7 },
    { days_left: 1 },
  ]);
  expect(await eventsOf('flm_rotated', 'master_key.expiring')).toMatchObject([{ days_left: 1 }]);
});

describe('key.rotation_due', () => {
  const daySeconds = 86_400;
  const ageOf = (organizationId: string, days: number | null) =>
    query(databaseUrl, `UPDATE organizations SET policy = $1 WHERE id = $2`, [
      days === null ? null : JSON.stringify({ key_age_seconds_max: days * daySeconds }),
      organizationId,
    ]);

  test('is written 30, 7 and 1 day before the longest age, once each, also by two runs at once', async () => {
    const { keyId, request } = await mintedKey(parts);
    const other = await mintedKey(parts, { organizationId: 'org_without_age' });
    await ageOf(request.organizationId, 60);
    expect(await tellDueRotations(parts, day(29))).toBe(0);
    const both = await Promise.all([tellDueRotations(parts, day(30.5)), tellDueRotations(parts, day(30.5))]);
    expect(both.toSorted()).toEqual([0, 1]);
    for (const at of [32, 52.5, 53.6, 55, 58.5, 59.6, 61, 70]) await tellDueRotations(parts, day(at));
    expect(await eventsOf(keyId, 'key.rotation_due')).toMatchObject([
      { days_left: 30, rotation_due_at: day(60).toISOString(), user_id: request.userId, environment: 'test' },
      { days_left: 7 },
      { days_left: 1 },
    ]);
    expect(await eventsOf(other.keyId, 'key.rotation_due')).toEqual([]);
    await ageOf(request.organizationId, null);
  });

  test('is not written for a canary key', async () => {
    const { keyId, request } = await mintedKey(parts);
    await makeCanary(keyId);
    await ageOf(request.organizationId, 60);
    expect(await tellDueRotations(parts, day(31))).toBe(0);
    await ageOf(request.organizationId, null);
  });

  test('goes by the earlier of two ages, and after a pause tells the nearest of the days that were passed', async () => {
    const { keyId, request } = await mintedKey(parts);
    await ageOf(request.organizationId, 90);
    await query(databaseUrl, 'UPDATE master_keys SET key_age_seconds_max = $1', [40 * daySeconds]);
    expect(await tellDueRotations(parts, day(39.5))).toBe(1);
    await query(databaseUrl, 'UPDATE master_keys SET key_age_seconds_max = NULL');
    expect(await eventsOf(keyId, 'key.rotation_due')).toEqual([
      expect.objectContaining({ days_left: 1, rotation_due_at: day(40).toISOString() }),
    ]);
    await ageOf(request.organizationId, null);
  });

  describe('of a key with a longest age of 59.5 days is told', () => {
    const firstMoment = day(29.5);
    const minutesAfter = (count: number) => new Date(firstMoment.getTime() + count * 60_000);
    const tellAt = async (keyId: string, minutes: number) => {
      await tellDueRotations(parts, minutesAfter(minutes));
      return eventsOf(keyId, 'key.rotation_due');
    };
    const lastRound = (fromMinutes: number, toMinutes: number) =>
      query(databaseUrl, 'UPDATE event_watches SET told_until = $1, ran_at = $2', [
        minutesAfter(fromMinutes),
        minutesAfter(toMinutes),
      ]);

    test('within minutes, since a round begins five minutes after a short one', async () => {
      const { keyId, request } = await mintedKey(parts);
      await ageOf(request.organizationId, 59.5);
      for (const minutes of [-2, 2]) expect(await tellAt(keyId, minutes)).toEqual([]);
      expect(await tellAt(keyId, 3)).toMatchObject([{ days_left: 30 }]);
      await ageOf(request.organizationId, null);
    });

    test('a day late at most, since a round begins after thirty times as long as the last one took', async () => {
      const { keyId, request } = await mintedKey(parts);
      await ageOf(request.organizationId, 59.5);
      await lastRound(-1, 9);
      expect(await tellAt(keyId, 298)).toEqual([]);
      await lastRound(-1, 599);
      expect(await tellAt(keyId, 1_438)).toEqual([]);
      expect(await tellAt(keyId, 1_439)).toMatchObject([{ days_left: 30 }]);
      await ageOf(request.organizationId, null);
    });
  });
});

describe('key.stale', () => {
  const use = (keyId: string, at: Date) => usageFlush(usageMark(keyId, at.toISOString()));

  test('is written once when a key was not accepted for so many days, and again after a later use', async () => {
    const { keyId } = await mintedKey(parts);
    const fresh = await mintedKey(parts);
    await applyFlushes(db, [use(fresh.keyId, day(50))]);
    expect(await tellStaleKeys(jobParts, day(89))).toBe(0);
    const both = await Promise.all([tellStaleKeys(jobParts, day(91)), tellStaleKeys(jobParts, day(91))]);
    expect(both.toSorted()).toEqual([0, 1]);
    expect(await tellStaleKeys(jobParts, day(93))).toBe(0);
    await applyFlushes(db, [use(keyId, day(94))]);
    expect(await tellStaleKeys(jobParts, day(183))).toBe(1);
    expect(await tellStaleKeys(jobParts, day(186))).toBe(1);
    expect(await eventsOf(keyId, 'key.stale')).toMatchObject([
      { days: 90 },
      { days: 90, last_used_at: day(94).toISOString() },
    ]);
    expect(await eventsOf(fresh.keyId, 'key.stale')).toHaveLength(1);
  });

  test('is not written while usage that says otherwise waits to be counted', async () => {
    const { keyId } = await mintedKey(parts);
    await pushFlush(stores, use(keyId, day(80)));
    expect(await tellStaleKeys(jobParts, day(92))).toBe(0);
    expect(await eventsOf(keyId, 'key.stale')).toEqual([]);
  });

  test('is not written for disabled and canary keys, nor when it is switched off and on again', async () => {
    const disabled = await mintedKey(parts);
    await query(databaseUrl, 'UPDATE api_keys SET enabled = false WHERE id = $1', [disabled.keyId]);
    const canary = await mintedKey(parts);
    await makeCanary(canary.keyId);
    expect(await tellStaleKeys(jobParts, day(91))).toBe(0);
    await mintedKey(parts);
    await query(databaseUrl, `UPDATE event_watches SET told_until = $1`, [start]);
    const off = { ...jobParts, idleness: { ...idleness, keyStaleDays: 0 } };
    expect(await tellStaleKeys(off, day(92))).toBe(0);
    expect(await tellStaleKeys(jobParts, day(100))).toBe(0);
  });

  test('is written for each of more keys than a page has', async () => {
    await query(
      databaseUrl,
      `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment,
         metadata, scopes, created_at, updated_at)
       SELECT id, id, 'p1', id::bytea, 'fl_user_test_abcdefgh', id, 'org_1', 'test', '{}', '{}', $1, $1
       FROM (SELECT 'flk_0000idle' || lpad(number::text, 12, '0') AS id FROM generate_series(1, 2100) AS number) AS ids`,
      [start],
    );
    expect(await tellStaleKeys(jobParts, day(92))).toBe(2_100);
    expect(await tellStaleKeys(jobParts, day(94))).toBe(0);
  });
});

test('master_key.unused is written once, and again after a later use', async () => {
  const { id } = testMasterKey;
  await query(databaseUrl, 'UPDATE master_keys SET created_at = $1, last_used_at = NULL', [start]);
  const told = () => eventsOf(id, 'master_key.unused');
  await tellUnusedMasterKeys(jobParts, day(89));
  expect(await told()).toHaveLength(0);
  await tellUnusedMasterKeys(jobParts, day(91));
  await tellUnusedMasterKeys(jobParts, day(93));
  expect(await told()).toMatchObject([{ days: 90 }]);
  await saveMasterKeyUses(db, new Map([[id, day(94).getTime()]]));
  await tellUnusedMasterKeys(jobParts, day(183));
  expect(await told()).toHaveLength(1);
  await tellUnusedMasterKeys(jobParts, day(185));
  expect(await told()).toMatchObject([{}, { last_used_at: day(94).toISOString() }]);
});

describe('key.quota.reached', () => {
  const quotaKey = (quota: Quota) => mintedKey(parts, { quota });
  const spend = (keyId: string, at: Date, cost: number) =>
    applyFlushes(db, [usageFlush(usageMark(keyId, at.toISOString(), { cost }))]);
  const told = async (keyId: string) =>
    (await eventsOf(keyId, 'key.quota.reached')).map(({ percent, spent }) => [percent, spent]);

  test('is written at 80 and at 100 %, once in each period, also by two runs at once', async () => {
    const { keyId } = await quotaKey({ limit: 100, period: 'day' });
    await spend(keyId, day(0), 79);
    expect(await tellSpentQuotas(parts, day(0))).toBe(0);
    await spend(keyId, day(0), 1);
    const both = await Promise.all([tellSpentQuotas(parts, day(0)), tellSpentQuotas(parts, day(0))]);
    expect(both.toSorted()).toEqual([0, 1]);
    for (const [at, cost] of [10, 10, 5].entries()) {
      await spend(keyId, day(0), cost);
      await tellSpentQuotas(parts, day(0.1 + at / 10));
    }
    await spend(keyId, day(1), 85);
    await tellSpentQuotas(parts, day(1));
    expect(await told(keyId)).toEqual([
      [80, 80],
      [100, 100],
      [80, 85],
    ]);
    expect((await eventsOf(keyId, 'key.quota.reached'))[0]).toMatchObject({
      limit: 100,
      period: 'day',
      resets_at: '2030-06-04T00:00:00.000Z',
    });
  });

  test('of a month is the sum of its days, and 100 % alone when both steps were passed at once', async () => {
    const { keyId } = await quotaKey({ limit: 100, period: 'month' });
    await spend(keyId, day(-5), 90);
    await spend(keyId, day(0), 50);
    await spend(keyId, day(1), 50);
    await tellSpentQuotas(parts, day(1));
    expect(await told(keyId)).toEqual([[100, 100]]);
  });

  test('starts anew with a changed quota, and is not written for a key without one', async () => {
    const { keyId } = await quotaKey({ limit: 100, period: 'day' });
    const free = await mintedKey(parts);
    await spend(keyId, day(0), 100);
    await spend(free.keyId, day(0), 100);
    await tellSpentQuotas(parts, day(0));
    await updateKey(parts, callerWith(), keyId, { quota: { limit: 200, period: 'day' } });
    await spend(keyId, day(0), 60);
    await tellSpentQuotas(parts, day(0.1));
    expect(await told(keyId)).toEqual([
      [100, 100],
      [80, 160],
    ]);
    expect(await query(databaseUrl, 'SELECT FROM counted_quota_lines')).toEqual([]);
  });
});

describe('verifier.lapsed', () => {
  const minutes = (count: number) => new Date(start.getTime() + count * 60_000);
  const run = (count: number) => tellLapsedVerifiers(parts, minutes(count));
  const register = async (id: string, leaseUntil: Date) => {
    await upsertVerifier(db, { id, appliedSeq: 0, leaseMs: 15_000, isLive: true });
    await query(databaseUrl, 'UPDATE verifiers SET lease_until = $2 WHERE id = $1', [id, leaseUntil]);
  };
  const lapses = async (id: string) => (await eventsOf(id, 'verifier.lapsed')).length;
  beforeEach(async () => {
    await query(databaseUrl, 'DELETE FROM verifiers');
    await query(databaseUrl, 'UPDATE event_watches SET ran_at = $1, steady_since = $2', [start, day(-1)]);
  });

  test('is written once for each silence of five minutes without a sign-off', async () => {
    await register('silent', minutes(1));
    await register('short', minutes(1));
    for (let at = 1; at < 6; at++) expect(await run(at)).toBe(0);
    await register('short', minutes(7));
    expect((await Promise.all([run(6), run(6)])).toSorted()).toEqual([0, 1]);
    expect(await run(7)).toBe(0);
    await register('silent', minutes(8));
    for (let at = 8; at < 20; at++) await run(at);
    expect([await lapses('silent'), await lapses('short')]).toEqual([2, 1]);
  });

  test('is not written for verifiers that come back after the worker and Postgres were away', async () => {
    await register('back', minutes(1));
    await register('gone', minutes(1));
    for (const at of [600, 601]) expect(await run(at)).toBe(0);
    await register('back', minutes(700));
    expect(await run(603)).toBe(0);
    expect(await run(605)).toBe(1);
    expect([await lapses('back'), await lapses('gone')]).toEqual([0, 1]);
  });
});

test('each of these events is shown with all of its fields', async () => {
  const rows = await query(
    databaseUrl,
    `SELECT DISTINCT ON (event_type) * FROM audit_events
     WHERE event_type ~ '(expiring|stale|unused|lapsed|key.quota.reached)$'`,
  );
  expect(rows).toHaveLength(6);
  for (const row of rows) {
    expect(toEnvelope(toAuditEvent(row as AuditEventRow)).data.details).toEqual(row.details);
  }
});
