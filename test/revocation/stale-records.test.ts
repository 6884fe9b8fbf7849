import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestSecret } from '../../src/domain/key-digest.ts';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { recordLifeMs } from '../../src/domain/key-record.ts';
import { writeRecord } from '../../src/stores/redis/records.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { admitTestCallers } from '../support/callers.ts';
import { keyRecord } from '../support/key-record.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, testKeyring, useCaseParts, WalkedClock } from '../support/use-case-parts.ts';
import { countedLookups, newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const parts = useCaseParts(stores);
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

/** Puts a record into Redis that says more than the truth: whoever uses it would say yes. */
async function plant(secret: string, record: KeyRecord, readAtMs: number, asOfSeq = 0): Promise<void> {
  const { digest } = digestSecret(testKeyring[0], secret);
  await writeRecord(stores, digest, { record, readAtMs, asOfSeq }, recordLifeMs);
}

/** A key that is revoked in Postgres, at revision 2. */
async function revokedKey() {
  const minted = await mintedKey(parts);
  await revokeKey(parts, callerWith(), minted.keyId);
  const record = keyRecord({
    id: minted.keyId,
    lineageId: minted.keyId,
    organizationId: 'org_1',
    revision: 1,
  });
  return { ...minted, record };
}

describe('an entry in Redis is never used', () => {
  test('when it is older than the revision that was heard of', async () => {
    const { secret, keyId, record } = await revokedKey();
    await plant(secret, record, Date.now());
    const { records, revisions, sources } = newVerifier(stores);
    revisions.remember({ subjectId: keyId, revision: 2, seq: 1 }, 0);
    expect((await records.find(secret))?.record).toMatchObject({ status: 'revoked', revision: 2 });
    expect(sources).toEqual(['postgres']);
  });

  test('when it was read before the place from which on this verifier knows what changed', async () => {
    const { secret, record } = await revokedKey();
    await plant(secret, record, Date.now(), 9);
    const { records, revisions, sources } = newVerifier(stores);
    revisions.reset(10);
    expect((await records.find(secret))?.record).toMatchObject({ status: 'revoked', revision: 2 });
    expect(sources).toEqual(['postgres']);
  });

  test('when it was read in the future', async () => {
    const { secret, record } = await revokedKey();
    await plant(secret, record, Date.now() + 60_000);
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.status).toBe('revoked');
    expect(sources).toEqual(['postgres']);
  });

  test('when it was read from Postgres a whole life ago, however long Redis keeps it', async () => {
    const { secret, record } = await revokedKey();
    await plant(secret, record, Date.now() - recordLifeMs);
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.status).toBe('revoked');
    expect(sources).toEqual(['postgres']);
  });

  test('control: the same entry, young and not contradicted, is used', async () => {
    const { secret, record } = await revokedKey();
    await plant(secret, record, Date.now());
    const { records, sources } = newVerifier(stores);
    expect((await records.find(secret))?.record.status).toBe('active');
    expect(sources).toEqual(['redis']);
  });
});

test('a record from Redis lives in memory no longer than since its read of Postgres', async () => {
  const { secret, record } = await revokedKey();
  const clock = new WalkedClock(new Date());
  await plant(secret, record, clock.nowMs() - recordLifeMs + 1_000);
  const { records, sources } = newVerifier(stores, { clock });
  expect((await records.find(secret))?.record.status).toBe('active');
  clock.walk(1_000);
  await stores.flushRedis();
  expect((await records.find(secret))?.record.status).toBe('revoked');
  expect(sources).toEqual(['redis', 'postgres']);
});

describe('without a lease', () => {
  test('every request asks Postgres, though memory and Redis would answer: at once together, later anew', async () => {
    const { secret, keyId, record } = await revokedKey();
    await plant(secret, record, Date.now());
    const { lookups, db } = countedLookups(stores);
    let isHeld = true;
    const { records, sources } = newVerifier(stores, { db, lease: { isHeld: () => isHeld } });
    expect((await records.find(secret))?.record.status, 'from Redis and into memory').toBe('active');
    isHeld = false;
    const found = await Promise.all(Array.from({ length: 10 }, () => records.find(secret)));
    expect(found.map((answer) => answer?.record)).toEqual(
      Array(10).fill(expect.objectContaining({ id: keyId, status: 'revoked' })),
    );
    expect(sources).toEqual(['redis', ...Array(10).fill('postgres')]);
    expect(lookups.count, 'one statement, sent after all ten had begun').toBe(1);
    for (let later = 0; later < 3; later++) await records.find(secret);
    expect(lookups.count).toBe(4);
  });

  test('the status of the organization is the one in Postgres', async () => {
    const { secret } = await mintedKey(parts, { organizationId: 'org_deleted' });
    const { records } = newVerifier(stores, { lease: { isHeld: () => false } });
    expect((await records.find(secret))?.organizationActive).toBe(true);
    await stores.db
      .updateTable('organizations')
      .set({ status: 'deleted' })
      .where('id', '=', 'org_deleted')
      .execute();
    expect((await records.find(secret))?.organizationActive).toBe(false);
  });
});
