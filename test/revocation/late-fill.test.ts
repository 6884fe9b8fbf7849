import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { digestSecret } from '../../src/domain/key-digest.ts';
import type { Lease } from '../../src/revocation/lease.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../../src/revocation/remembered-revisions.ts';
import { readRecords } from '../../src/stores/redis/records.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { admitTestCallers } from '../support/callers.ts';
import { newLease } from '../support/feed.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, testKeyring, useCaseParts } from '../support/use-case-parts.ts';
import { heldLookup, newRevisions, newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const parts = useCaseParts(stores);
afterAll(() => stores.close());

const leases: Lease[] = [];
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.stop();
});

const bounds = { retentionMs: revisionMemoryMs, changesMax: changesRememberedMax };

/** Hears of every change and remembers none: the protection taken out. */
class Forgetful extends RememberedRevisions {
  override isStale(): boolean {
    return false;
  }
}

/** A replica with a real lease whose first read of Postgres comes back when the test lets it. */
async function verifierWithSlowRead(revisions: RememberedRevisions) {
  const held = heldLookup(stores);
  const verifier = newVerifier(stores, { db: held.db, revisions, lease: { isHeld: () => lease.isHeld() } });
  const { lease } = newLease(stores.db, verifier.sink);
  leases.push(lease);
  await lease.start();
  expect(lease.isHeld()).toBe(true);
  return { ...verifier, ...held };
}

/**
 * The one interleaving that every cache fears: a read of the active key is under way; the key is
 * revoked, and everybody has acknowledged; Redis is emptied, and with it whatever a careful writer
 * left there; then the late read arrives.
 */
async function raceRevoke(revisions: RememberedRevisions) {
  const { secret, keyId } = await mintedKey(parts);
  const verifier = await verifierWithSlowRead(revisions);
  const early = verifier.records.find(secret);
  await verifier.hasRead;
  const { revokedCount, propagation } = await revokeKey(parts, callerWith(), keyId);
  expect({ revokedCount, ...propagation }).toMatchObject({ revokedCount: 1, isComplete: true });
  expect(propagation).toMatchObject({ acknowledged: 1, total: 1 });
  await stores.flushRedis();
  const after = verifier.records.find(secret);
  verifier.release();
  await early;
  return { ...verifier, secret, after };
}

describe('after a revoke was acknowledged, a read that began before it', () => {
  test('does not answer a request that started later', async () => {
    const { after } = await raceRevoke(newRevisions());
    expect((await after)?.record.status).toBe('revoked');
  });

  test('leaves nothing behind in memory that says yes', async () => {
    const { records, secret } = await raceRevoke(newRevisions());
    expect((await records.find(secret))?.record.status).toBe('revoked');
  });

  // Redis answers a connection in order: a late write would come before the reads below.
  test('does not enter Redis', async () => {
    const { after, secret } = await raceRevoke(newRevisions());
    await after;
    const [packed] = await readRecords(stores, [digestSecret(testKeyring[0], secret).digest]);
    expect(packed?.record.status).not.toBe('active');
  });

  test('leaves nothing in Redis that another replica, or one that starts later, says yes to', async () => {
    const { after, secret } = await raceRevoke(newRevisions());
    await after;
    const later = newVerifier(stores, { lease: { isHeld: () => lease.isHeld() } });
    const { lease } = newLease(stores.db, later.sink);
    leases.push(lease);
    await lease.start();
    expect(lease.isHeld()).toBe(true);
    expect((await later.records.find(secret))?.record.status).toBe('revoked');
  });
});

describe('control: with remembered revisions taken out, the stale yes appears', () => {
  test('to a request that started later, and from memory afterwards', async () => {
    const { after, records, secret, sources } = await raceRevoke(new Forgetful(bounds));
    expect((await after)?.record.status).toBe('active');
    expect((await records.find(secret))?.record.status).toBe('active');
    expect(sources.at(-1)).toBe('memory');
  });

  test('and from Redis on another replica', async () => {
    const { after, secret } = await raceRevoke(new Forgetful(bounds));
    await after;
    const other = newVerifier(stores, { revisions: new Forgetful(bounds) });
    expect((await other.records.find(secret))?.record.status).toBe('active');
    expect(other.sources).toEqual(['redis']);
  });
});
