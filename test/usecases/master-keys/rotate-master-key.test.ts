import { afterAll, describe, expect, test } from 'vitest';
import { isUsable } from '../../../src/domain/master-key.ts';
import { findMasterKey } from '../../../src/stores/postgres/master-keys/master-keys.ts';
import { createMasterKey } from '../../../src/usecases/master-keys/create-master-key.ts';
import { revokeMasterKey } from '../../../src/usecases/master-keys/revoke-master-key.ts';
import { rotateMasterKey } from '../../../src/usecases/master-keys/rotate-master-key.ts';
import { testOrigin } from '../../support/broker.ts';
import { openStores } from '../../support/stores.ts';
import { useCaseParts, WalkedClock } from '../../support/use-case-parts.ts';

const stores = await openStores();
const clock = new WalkedClock(new Date('2030-06-15T12:00:00Z'));
const parts = useCaseParts(stores, clock);
afterAll(() => stores.close());

const rights = {
  name: 'gateway',
  permissions: ['keys:verify' as const],
  organizationIds: ['org_1'],
  environments: ['prod'],
  ipAllowlist: ['10.0.0.0/8'],
};

async function created(expiresAt: Date | null = null): Promise<{ id: string }> {
  const { masterKey } = await createMasterKey(parts, testOrigin, { ...rights, expiresAt });
  return masterKey;
}

async function isUsableAt(id: string, afterMs: number): Promise<boolean> {
  const masterKey = await findMasterKey(stores.db, id);
  return masterKey !== undefined && isUsable(masterKey, clock.nowMs() + afterMs);
}

const rotate = (masterKeyId: string, overlapSeconds: number) =>
  rotateMasterKey(parts, testOrigin, { masterKeyId, overlapSeconds });

test('the successor has a new id and a new secret, and the same name and rights', async () => {
  const old = await created();
  const { masterKey, secret } = await rotate(old.id, 60);
  expect(masterKey.id).not.toBe(old.id);
  expect(secret.startsWith(masterKey.keyPrefix ?? '?')).toBe(true);
  expect(await findMasterKey(stores.db, masterKey.id)).toMatchObject({
    ...rights,
    expiresAt: null,
    revision: 1,
  });
});

describe('the old key', () => {
  test('goes on until the overlap is over, and not a moment longer', async () => {
    const old = await created();
    const { masterKey } = await rotate(old.id, 60);
    expect([await isUsableAt(old.id, 59_999), await isUsableAt(old.id, 60_000)]).toEqual([true, false]);
    expect(await isUsableAt(masterKey.id, 60_000)).toBe(true);
  });

  test('ends at once without an overlap, also for a verifier whose clock is behind', async () => {
    const old = await created();
    const { propagation } = await rotate(old.id, 0);
    expect([await isUsableAt(old.id, 0), await isUsableAt(old.id, -1_000)]).toEqual([false, false]);
    expect(propagation.isComplete).toBe(true);
  });

  test('never outlives its own expiry, and neither does its successor', async () => {
    const end = new Date(clock.nowMs() + 10_000);
    const old = await created(end);
    const { masterKey } = await rotate(old.id, 60);
    expect((await findMasterKey(stores.db, old.id))?.expiresAt).toEqual(end);
    expect((await findMasterKey(stores.db, masterKey.id))?.expiresAt).toEqual(end);
  });

  test('gets a higher revision, which the verifiers are told', async () => {
    const old = await created();
    await rotate(old.id, 60);
    const changes = await stores.db
      .selectFrom('key_changes')
      .selectAll()
      .where('subject_id', '=', old.id)
      .execute();
    expect(changes).toMatchObject([{ kind: 'master_key', revision: 2 }]);
    expect((await findMasterKey(stores.db, old.id))?.revision).toBe(2);
  });
});

describe('MASTER_KEY_NOT_FOUND', () => {
  const notFound = { code: 'MASTER_KEY_NOT_FOUND' };

  test('when there is none', async () => {
    await expect(rotate('flm_0000000000000000000000', 0)).rejects.toMatchObject(notFound);
  });

  test('when it was revoked', async () => {
    const old = await created();
    await revokeMasterKey(parts, testOrigin, old.id);
    await expect(rotate(old.id, 60)).rejects.toMatchObject(notFound);
  });

  test('when it has expired, the instant itself included', async () => {
    const old = await created(new Date(clock.nowMs()));
    await expect(rotate(old.id, 60)).rejects.toMatchObject(notFound);
  });

  test('for the second of two rotations at once without an overlap: there is one successor', async () => {
    const old = await created();
    const [reached, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const later = stores.observed(async (text, run) => {
      if (/^begin/i.test(text)) {
        reached.resolve();
        await first.promise;
      }
      return run();
    });
    const request = { masterKeyId: old.id, overlapSeconds: 0 };
    const second = rotateMasterKey({ ...parts, db: later }, testOrigin, request);
    await reached.promise;
    await rotate(old.id, 0);
    first.resolve();
    await expect(second).rejects.toMatchObject(notFound);
  });
});
