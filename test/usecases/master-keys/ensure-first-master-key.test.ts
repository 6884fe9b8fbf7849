import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { masterKeyPermissions } from '../../../src/domain/permission.ts';
import { isPassword } from '../../../src/password-hash.ts';
import { listMasterKeyHashes, listMasterKeys } from '../../../src/stores/postgres/master-keys/master-keys.ts';
import { ensureFirstMasterKey } from '../../../src/usecases/master-keys/ensure-first-master-key.ts';
import { revokeMasterKey } from '../../../src/usecases/master-keys/revoke-master-key.ts';
import { testOrigin } from '../../support/broker.ts';
import { openStores } from '../../support/stores.ts';
import { useCaseParts } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db } = stores;
const parts = useCaseParts(stores);
afterAll(() => stores.close());
beforeEach(() => db.deleteFrom('master_keys').execute());

const chosen = 'a secret that an operator has chosen';

test('the first master key holds every permission, everywhere, without an end', async () => {
  const created = await ensureFirstMasterKey(parts);
  expect(created?.secret).toMatch(/^fl_master_test_[0-9A-Za-z]{46}$/);
  expect(await listMasterKeys(db)).toEqual([
    expect.objectContaining({
      id: created?.masterKey.id,
      permissions: masterKeyPermissions,
      organizationIds: null,
      environments: null,
      ipAllowlist: null,
      expiresAt: null,
      revokedAt: null,
      revokedReason: null,
    }),
  ]);
});

describe.each([
  ['generated', undefined],
  ['chosen', chosen],
])('of ten processes that start at once with a %s secret', (_what, secret) => {
  test('one creates the first master key, and the others say that it is there', async () => {
    const starts = await Promise.all(Array.from({ length: 10 }, () => ensureFirstMasterKey(parts, secret)));
    expect(starts.filter((created) => created !== undefined)).toHaveLength(1);
    expect(await listMasterKeys(db)).toHaveLength(1);
  });
});

test('a deployment whose master keys were all revoked gets none', async () => {
  const created = await ensureFirstMasterKey(parts);
  await revokeMasterKey(parts, testOrigin, created?.masterKey.id ?? '');
  expect(await ensureFirstMasterKey(parts)).toBeUndefined();
});

describe('a secret that an operator chose', () => {
  test('is stored under argon2id, with no part of it to be seen', async () => {
    await ensureFirstMasterKey(parts, chosen);
    const [stored] = await listMasterKeyHashes(db);
    expect(stored?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
    expect(await isPassword(chosen, stored?.passwordHash ?? '')).toBe(true);
    expect((await listMasterKeys(db))[0]?.keyPrefix).toBeNull();
  });

  test('that is one of ours is stored as a digest like any other', async () => {
    const secret = newSecret('master', 'prod', randomBytes);
    await ensureFirstMasterKey(parts, secret);
    expect(await listMasterKeyHashes(db)).toEqual([]);
    expect((await listMasterKeys(db))[0]?.keyPrefix).toBe(secret.slice(0, 'fl_master_prod_'.length + 8));
  });
});
