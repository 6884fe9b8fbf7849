import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestSecret } from '../../src/domain/key-digest.ts';
import { newSecret } from '../../src/domain/key-format.ts';
import { keyspace } from '../../src/stores/redis/keyspace.ts';
import { readRecords } from '../../src/stores/redis/records.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { admitTestCallers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import type { Around } from '../support/observed-pool.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, testKeyring, useCaseParts } from '../support/use-case-parts.ts';
import { countedLookups, heldLookup, newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const parts = useCaseParts(stores);
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const digestOf = (secret: string) => digestSecret(testKeyring[0], secret).digest;
const isInRedis = (secret: string) =>
  eventually(
    5_000,
    async () => (await readRecords(stores, [digestOf(secret)]))[0],
    (packed) => packed !== undefined,
  );

describe('one flight for each key', () => {
  test('five hundred cold look-ups at once of one key cost one read of Postgres', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const { lookups, db } = countedLookups(stores);
    const { records } = newVerifier(stores, { db });
    const found = await Promise.all(Array.from({ length: 500 }, () => records.find(secret)));
    expect(lookups.count).toBe(1);
    expect(found.map((answer) => answer?.record.id)).toEqual(Array(500).fill(keyId));
  });

  test('so do five hundred of a key that does not exist', async () => {
    const { lookups, db } = countedLookups(stores);
    const { records } = newVerifier(stores, { db });
    const unknown = newSecret('user', 'test', randomBytes);
    const found = await Promise.all(Array.from({ length: 500 }, () => records.find(unknown)));
    expect(lookups.count).toBe(1);
    expect(new Set(found)).toEqual(new Set([undefined]));
  });

  test('a request that has heard of a change since starts a flight of its own, and those after it join that one', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const { db, hasRead, release, lookups } = heldLookup(stores);
    const { records, sink } = newVerifier(stores, { db });
    const early = records.find(secret);
    await hasRead;
    for (const change of [
      { kind: 'organization' as const, subjectId: 'org_other', revision: 2, status: 'active', seq: 1 },
      { kind: 'key' as const, subjectId: 'flk_other', revision: 2, status: null, seq: 2 },
    ]) {
      sink.apply([change], change.seq);
      const later = await Promise.all([records.find(secret), records.find(secret)]);
      expect(later.map((found) => found?.record.id)).toEqual([keyId, keyId]);
      await stores.flushRedis();
      sink.forgetRecords();
    }
    release();
    expect((await early)?.record.id).toBe(keyId);
    expect(lookups.count).toBe(3);
  });

  test('a flight that fails fails for all of its passengers and for nobody after them', async () => {
    const { secret, keyId } = await mintedKey(parts);
    let isAway = true;
    const around: Around = (_text, run) => (isAway ? Promise.reject(new Error('away')) : run());
    const { records } = newVerifier(stores, { db: stores.observed(around) });
    const flights = await Promise.allSettled([records.find(secret), records.find(secret)]);
    expect(flights.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isAway = false;
    expect((await records.find(secret))?.record.id).toBe(keyId);
  });

  test('more different keys than may wait for Postgres are refused, and the others are answered', async () => {
    const secrets = (await Promise.all(Array.from({ length: 6 }, () => mintedKey(parts)))).map(
      ({ secret }) => secret,
    );
    const around: Around = (_text, run) => sleep(50).then(run);
    const lookUps = { runningMax: 1, waitingMax: 4 };
    const { records } = newVerifier(stores, { lookUps, db: stores.observed(around) });
    const answers = await Promise.allSettled(secrets.map((secret) => records.find(secret)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    const [refused] = answers.filter((answer) => answer.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'OVERLOADED' });
  });
});

describe('look-ups in Postgres', () => {
  test('that arrive together are one statement, known and unknown keys alike, and each gets its own', async () => {
    const minted = await Promise.all(Array.from({ length: 20 }, () => mintedKey(parts)));
    const made = Array.from({ length: 20 }, () => newSecret('user', 'test', randomBytes));
    const { lookups, db } = countedLookups(stores);
    const { records } = newVerifier(stores, { db });
    const secrets = minted.flatMap(({ secret }, index) => [secret, made[index] ?? '']);
    const found = await Promise.all(secrets.map((secret) => records.find(secret)));
    expect(found.map((answer) => answer?.record.id)).toEqual(
      minted.flatMap(({ keyId }) => [keyId, undefined]),
    );
    expect(lookups.count).toBe(1);
  });

  test('are at most a hundred in a statement and four statements at once', async () => {
    let [running, runningMax] = [0, 0];
    let count = 0;
    const around: Around = async (_text, run) => {
      count += 1;
      running += 1;
      runningMax = Math.max(runningMax, running);
      const answer = await sleep(20).then(run);
      running -= 1;
      return answer;
    };
    const { records } = newVerifier(stores, { db: stores.observed(around) });
    const made = Array.from({ length: 1_000 }, () => newSecret('user', 'test', randomBytes));
    await Promise.all(made.map((secret) => records.find(secret)));
    expect(runningMax).toBe(4);
    // Ten when all are there at once; a busy machine's Redis answers in parts.
    expect(count).toBeGreaterThanOrEqual(10);
    expect(count).toBeLessThan(20);
  });

  test('see what was committed before they were asked for, also without a lease and while others run', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const held = heldLookup(stores);
    const { records } = newVerifier(stores, { db: held.db, lease: { isHeld: () => false } });
    const early = records.find(secret);
    await held.hasRead;
    await revokeKey(parts, callerWith(), keyId);
    const late = records.find(secret);
    held.release();
    expect((await early)?.record.status).toBe('active');
    expect((await late)?.record.status).toBe('revoked');
  });
});

describe('where a record comes from', () => {
  test('is memory after the first time, and Redis for a replica that has not seen it', async () => {
    const { secret, keyId } = await mintedKey(parts, { scopes: ['read'], metadata: { plan: 'pro' } });
    const [one, other] = [newVerifier(stores), newVerifier(stores)];
    const first = await one.records.find(secret);
    expect(await one.records.find(secret)).toEqual(first);
    expect(one.sources).toEqual(['postgres', 'memory']);
    await isInRedis(secret);
    expect((await other.records.find(secret))?.record).toEqual(first?.record);
    expect(other.sources).toEqual(['redis']);
    expect(first).toMatchObject({ organizationActive: true, record: { id: keyId, scopes: ['read'] } });
  });

  test('is one command to Redis for all that are asked for at once, and each gets its own', async () => {
    const minted = await Promise.all(Array.from({ length: 20 }, () => mintedKey(parts)));
    const warm = newVerifier(stores);
    for (const { secret } of minted) await warm.records.find(secret);
    for (const { secret } of minted) await isInRedis(secret);
    await stores.redis.config('RESETSTAT');
    const { records, sources } = newVerifier(stores);
    const found = await Promise.all(minted.map(({ secret }) => records.find(secret)));
    expect(found.map((answer) => answer?.record.id)).toEqual(minted.map(({ keyId }) => keyId));
    expect(new Set(sources)).toEqual(new Set(['redis']));
    // On a busy machine a second or third for those that came a turn of the event loop later.
    expect(await stores.redis.info('commandstats')).toMatch(/cmdstat_mget:calls=[1-3],/);
  });

  test('changes nothing about an organization that is refused', async () => {
    const { secret, request } = await mintedKey(parts, { organizationId: 'org_refused' });
    const [one, other] = [newVerifier(stores), newVerifier(stores)];
    await one.records.find(secret);
    await isInRedis(secret);
    for (const { refusedOrganizations } of [one, other]) {
      refusedOrganizations.apply(request.organizationId, 'suspended');
    }
    expect((await one.records.find(secret))?.organizationActive).toBe(false);
    expect((await other.records.find(secret))?.organizationActive).toBe(false);
    expect([one.sources.at(-1), other.sources.at(-1)]).toEqual(['memory', 'redis']);
  });

  test('is Postgres again when Redis was emptied', async () => {
    const { secret, keyId } = await mintedKey(parts);
    await newVerifier(stores).records.find(secret);
    await isInRedis(secret);
    await stores.flushRedis();
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(sources).toEqual(['postgres']);
  });

  test('is Postgres when Redis is away, and memory stays memory', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const redis = await stores.connectRedis();
    redis.disconnect();
    const { records, sources } = newVerifier(stores, { redis });
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(sources).toEqual(['postgres', 'memory']);
  });

  test.each([
    ['no JSON', '{not json'],
    ['JSON of another shape', '{"id":"flk_1"}'],
    ['nothing', ''],
    ['a record of another layout', JSON.stringify([2, Date.now(), 'flk_1', 1])],
    ['a record cut short', JSON.stringify([1, Date.now(), 'flk_1', 1])],
  ])('is Postgres when Redis holds %s', async (_what, text) => {
    const { secret, keyId } = await mintedKey(parts);
    await stores.redis.set(keyspace.record(digestOf(secret)), text);
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(sources).toEqual(['postgres']);
  });

  test('is Postgres when the entry in Redis is of another type', async () => {
    const { secret, keyId } = await mintedKey(parts);
    await stores.redis.rpush(keyspace.record(digestOf(secret)), 'x');
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(sources).toEqual(['postgres']);
  });
});
