import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newIdempotency } from '../../src/domain/idempotency.ts';
import { createMasterKey } from '../../src/usecases/master-keys/create-master-key.ts';
import { rotateMasterKey } from '../../src/usecases/master-keys/rotate-master-key.ts';
import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { refreshKey } from '../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { revokeKeysOf } from '../../src/usecases/user-keys/revoke-keys.ts';
import { testOrigin } from '../support/broker.ts';
import { admitTestCallers } from '../support/callers.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, testKeyring, useCaseParts } from '../support/use-case-parts.ts';

/** Each statement is a round trip. The wait for verifiers asks on a pool of its own. */
const stores = await openStores();
const statements: string[] = [];
const observed = stores.observed((text, run) => {
  statements.push(text);
  return run();
});
const parts = { ...useCaseParts(stores), db: observed };
const caller = callerWith();
afterAll(() => stores.close());
beforeAll(() => admitTestCallers(stores.db));
beforeEach(() => {
  statements.length = 0;
});

const minted = async () => (await mintedKey(useCaseParts(stores))).request;
const ownerOf = async () => {
  const { userId, organizationId, environment } = await minted();
  return { userId, organizationId, environment };
};

test('a revoke is one statement', async () => {
  const { keyId } = await mintedKey(useCaseParts(stores));
  expect(await revokeKey(parts, caller, keyId)).toMatchObject({ revokedCount: 1 });
  expect(statements).toEqual([expect.stringContaining('revoke_key(')]);
});

test('so is the revoke of a key with predecessors in grace', async () => {
  const owner = await ownerOf();
  const quiet = useCaseParts(stores);
  await refreshKey(quiet, caller, { ...owner, gracePeriodSeconds: 60 });
  const { minted } = await refreshKey(quiet, caller, { ...owner, gracePeriodSeconds: 60 });
  expect(await revokeKey(parts, caller, minted.keyId)).toMatchObject({ revokedCount: 3 });
  expect(statements).toHaveLength(1);
});

test('a refresh is nine: what it reads, what it writes, the key that waited, and one that finishes it', async () => {
  const owner = await ownerOf();
  await refreshKey(parts, caller, { ...owner, gracePeriodSeconds: 0 });
  expect(statements).toEqual([
    'begin',
    expect.stringContaining('hold_master_key('),
    expect.stringContaining('lock_last_line('),
    expect.stringContaining('FOR KEY SHARE'),
    expect.stringContaining('DELETE FROM waiting_keys'),
    expect.stringContaining('update "api_keys"'),
    expect.stringContaining('insert into "api_keys"'),
    expect.stringContaining('finish_change('),
    'commit',
  ]);
});

test('a refresh with a grace and a kept answer reads once more whether it was answered', async () => {
  const owner = await ownerOf();
  const idempotency = newIdempotency(testKeyring, { scope: 'refresh', key: 'once', body: {} });
  await refreshKey(parts, caller, { ...owner, gracePeriodSeconds: 60 }, idempotency);
  expect(statements).toHaveLength(10);
});

test('a revoke of all keys of a user is seven', async () => {
  const { userId } = await ownerOf();
  await revokeKeysOf(parts, caller, { userId });
  expect(statements).toHaveLength(7);
});

test('a suspension is six', async () => {
  const { organizationId } = await ownerOf();
  await setOrganizationStatus(parts, testOrigin, { organizationId, status: 'suspended' });
  expect(statements).toHaveLength(6);
});

test('a rotation of a master key is ten: three are about its bounds', async () => {
  const rights = { name: 'gateway', permissions: [], organizationIds: null, environments: null };
  const unlimited = { ...rights, ipAllowlist: null, expiresAt: null };
  const { masterKey } = await createMasterKey(useCaseParts(stores), testOrigin, unlimited);
  statements.length = 0;
  await rotateMasterKey(parts, testOrigin, { masterKeyId: masterKey.id, overlapSeconds: 60 });
  expect(statements).toHaveLength(10);
});
