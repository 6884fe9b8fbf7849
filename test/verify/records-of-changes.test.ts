import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestSecret } from '../../src/domain/key-digest.ts';
import { ServerClock } from '../../src/revocation/server-clock.ts';
import { findKeyRecordById } from '../../src/stores/postgres/verify-records.ts';
import { readRecords } from '../../src/stores/redis/records.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { changedRecords } from '../../src/verify/changed-records.ts';
import { mintedRecords } from '../../src/verify/minted-records.ts';
import { admitTestCallers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, testKeyring, useCaseParts } from '../support/use-case-parts.ts';
import { newRevisions, newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

/** The process that makes the changes; its place in the feed is that of the verifiers here. */
function process({ isHeld = true } = {}) {
  const revisions = newRevisions();
  const known = { ...stores, revisions, clock: new ServerClock(), lease: { isHeld: () => isHeld } };
  const parts = { ...useCaseParts(stores), noteMint: mintedRecords(known) };
  return { revisions, parts, renew: changedRecords({ ...known, keyring: testKeyring }) };
}

/** A verifier with a lease that does not reach Postgres. */
function cutOff() {
  return newVerifier(stores, { db: stores.observed(() => Promise.reject(new Error('away'))) });
}

const recordInRedis = async (secret: string) =>
  (await readRecords(stores, [digestSecret(testKeyring[0], secret).digest]))[0];

const arrivesInRedis = (secret: string, status: string) =>
  eventually(
    5_000,
    () => recordInRedis(secret),
    (packed) => packed?.record.status === status,
  );

const fullSettings = {
  metadata: { plan: 'gold', nested: { list: [1, 2.5, null, 'ä'] } },
  scopes: ['read', 'write'],
  expiresAt: new Date(Date.now() + 3_600_000),
  rateLimit: { limit: 10, window_seconds: 60, on_unavailable: 'deny' as const },
  ipAllowlist: ['10.0.0.0/8', '2001:db8::/32'],
};

describe('the record of a new key', () => {
  test.each([
    ['without settings', {}],
    ['with settings', fullSettings],
    ['that is disabled', { enabled: false }],
  ])('%s is in Redis what Postgres says of it', async (_what, settings) => {
    const { parts, revisions } = process();
    revisions.reset(7);
    const { secret, keyId } = await mintedKey(parts, settings);
    const packed = await arrivesInRedis(secret, 'active');
    expect(packed?.record).toEqual((await findKeyRecordById(stores.db, keyId))?.record);
    expect(packed?.asOfSeq).toBe(7);
  });

  test('is found by a verifier that does not reach Postgres', async () => {
    const { secret, keyId } = await mintedKey(process().parts);
    await arrivesInRedis(secret, 'active');
    expect((await cutOff().records.find(secret))?.record.id).toBe(keyId);
  });

  test('is not used once its revoke was heard of, also when it comes to Redis after that', async () => {
    const { parts } = process();
    const held = Promise.withResolvers<() => void>();
    const noteMint = () => {
      const note = parts.noteMint();
      return (...minted: Parameters<typeof note>) => held.resolve(() => note(...minted));
    };
    const { secret, keyId } = await mintedKey({ ...parts, noteMint });
    await revokeKey(parts, callerWith(), keyId);
    const verifier = cutOff();
    verifier.sink.apply([{ kind: 'key', subjectId: keyId, revision: 2, status: null, seq: 1 }], 1);
    (await held.promise)();
    await arrivesInRedis(secret, 'active');
    await expect(verifier.records.find(secret)).rejects.toThrow();
  });

  test('is not used by a verifier that does not remember what came after its place', async () => {
    const { secret } = await mintedKey(process().parts);
    await arrivesInRedis(secret, 'active');
    const verifier = cutOff();
    verifier.revisions.reset(10);
    await expect(verifier.records.find(secret)).rejects.toThrow();
  });

  test('is not in Redis when the mint failed, or its process had no lease', async () => {
    const { parts } = process();
    const { secret, request } = await mintedKey(parts);
    await arrivesInRedis(secret, 'active');
    await expect(mintedKey(parts, request)).rejects.toMatchObject({ code: 'KEY_ALREADY_EXISTS' });
    const unleased = await mintedKey(process({ isHeld: false }).parts);
    await nextTurn();
    await stores.redis.ping();
    expect(await recordInRedis(unleased.secret)).toBeUndefined();
    expect(await stores.redis.dbsize()).toBe(1);
  });
});

describe('the record of a key that was revoked', () => {
  test('is known as revoked by a verifier that does not reach Postgres', async () => {
    const { parts, renew, revisions } = process();
    const { secret, keyId } = await mintedKey(parts);
    await arrivesInRedis(secret, 'active');
    await revokeKey(parts, callerWith(), keyId);
    revisions.remember({ subjectId: keyId, revision: 2, seq: 1 }, 0);
    renew(keyId);
    await arrivesInRedis(secret, 'revoked');
    const verifier = cutOff();
    verifier.sink.apply([{ kind: 'key', subjectId: keyId, revision: 2, status: null, seq: 1 }], 1);
    expect((await verifier.records.find(secret))?.record).toMatchObject({ status: 'revoked', revision: 2 });
  });

  test('a flood of changes costs Postgres one statement at a time, and fails nobody', async () => {
    const { renew } = process();
    for (let count = 0; count < 1_000; count++) renew(`flk_none_${count}`);
    const { secret, keyId } = await mintedKey(process().parts);
    expect((await newVerifier(stores).records.find(secret))?.record.id).toBe(keyId);
  });
});
