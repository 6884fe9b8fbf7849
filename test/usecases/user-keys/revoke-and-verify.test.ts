import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../../src/revocation/lease.ts';
import { setOrganizationStatus } from '../../../src/usecases/organizations/set-organization-status.ts';
import { refreshKey } from '../../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../../src/usecases/user-keys/revoke-key.ts';
import { updateKey } from '../../../src/usecases/user-keys/update-key.ts';
import { testOrigin } from '../../support/broker.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { newLease } from '../../support/feed.ts';
import type { Around } from '../../support/observed-pool.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintedKey, useCaseParts } from '../../support/use-case-parts.ts';
import { newVerifier } from '../../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const parts = useCaseParts(stores);
const caller = callerWith();
afterAll(() => stores.close());

const leases: Lease[] = [];
afterEach(async () => {
  for (const lease of leases.splice(0)) await lease.stop();
});

/** A verifier under a real lease that has the key in its memory. */
async function verifierThatKnows(secret: string, around: Around = (_text, run) => run()) {
  const verifier = newVerifier(stores, { lease: { isHeld: () => lease.isHeld() } });
  const { lease } = newLease(stores.observed(around), verifier.sink, { leaseMs: 4_500 });
  leases.push(lease);
  await lease.start();
  await verifier.records.find(secret);
  expect((await verifier.records.find(secret))?.record.status).toBe('active');
  expect(verifier.sources.at(-1)).toBe('memory');
  return { ...verifier, lease };
}

describe('when the answer says complete, a verifier that had the key in memory', () => {
  test('no longer accepts a revoked one', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const { records } = await verifierThatKnows(secret);
    const { propagation } = await revokeKey(parts, caller, keyId);
    expect(propagation).toMatchObject({ isComplete: true, acknowledged: 1, total: 1 });
    expect((await records.find(secret))?.record.status).toBe('revoked');
  });

  test('no longer accepts a refreshed one', async () => {
    const { secret, request } = await mintedKey(parts);
    const { records } = await verifierThatKnows(secret);
    const { userId, organizationId, environment } = request;
    const owner = { userId, organizationId, environment };
    const { minted, propagation } = await refreshKey(parts, caller, { ...owner, gracePeriodSeconds: 0 });
    expect(propagation.isComplete).toBe(true);
    expect((await records.find(secret))?.record.status).toBe('revoked');
    expect((await records.find(minted.secret))?.record.status).toBe('active');
  });

  test('no longer accepts a disabled one, and accepts it again when it is enabled', async () => {
    const { secret, keyId } = await mintedKey(parts);
    const { records } = await verifierThatKnows(secret);
    for (const enabled of [false, true]) {
      const { propagation } = await updateKey(parts, caller, keyId, { enabled });
      expect(propagation.isComplete).toBe(true);
      expect((await records.find(secret))?.record.enabled).toBe(enabled);
    }
  });

  test('refuses every key of a suspended organization, and no longer when it is resumed', async () => {
    const { secret } = await mintedKey(parts, { organizationId: 'org_suspended' });
    const { records } = await verifierThatKnows(secret);
    for (const status of ['suspended', 'active'] as const) {
      const change = { organizationId: 'org_suspended', status };
      const { isComplete } = await setOrganizationStatus(parts, testOrigin, change);
      expect(isComplete).toBe(true);
      expect((await records.find(secret))?.organizationActive).toBe(status === 'active');
    }
  });
});

test('a verifier that is cut off makes the answer pending, and has lost its lease at effective_by', async () => {
  const { secret, keyId } = await mintedKey(parts);
  const cut = Promise.withResolvers<void>();
  let isCut = false;
  const { lease, records } = await verifierThatKnows(secret, async (_text, run) => {
    if (isCut) await cut.promise;
    return run();
  });
  isCut = true;
  try {
    const { propagation } = await revokeKey(parts, caller, keyId);
    expect(propagation).toMatchObject({ isComplete: false, acknowledged: 0, total: 1 });
    const effectiveMs = propagation.effectiveBy.getTime();
    expect(effectiveMs).toBeGreaterThan(Date.now());
    expect((await records.find(secret))?.record.status, 'which is why it is only pending').toBe('active');
    await sleep(effectiveMs - Date.now());
    expect(lease.isHeld()).toBe(false);
    expect((await records.find(secret))?.record.status).toBe('revoked');
  } finally {
    cut.resolve();
  }
});
