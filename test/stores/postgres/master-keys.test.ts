import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { newId } from '../../../src/domain/ids.ts';
import type { MasterKey } from '../../../src/domain/master-key.ts';
import {
  insertMasterKey,
  listMasterKeys,
  readMasterKeyUse,
  saveMasterKeyUses,
} from '../../../src/stores/postgres/master-keys/master-keys.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

const createdAt = new Date('2030-03-01T00:00:00.000Z');

async function masterKey(): Promise<string> {
  const stored: MasterKey = {
    id: newId('masterKey', createdAt, randomBytes),
    name: 'test',
    keyPrefix: null,
    certificate: null,
    token: null,
    permissions: [],
    organizationIds: null,
    environments: null,
    ipAllowlist: null,
    expiresAt: null,
    revokedAt: null,
    revokedReason: null,
    createdAt,
    revision: 1,
  };
  await db.transaction().execute((tx) => insertMasterKey(tx, stored, { passwordHash: 'x' }));
  return stored.id;
}

const lastUseOf = async (id: string) => (await readMasterKeyUse(db, [id])).get(id)?.lastUsedAt?.getTime();

test('the last use only goes forward, whichever process tells it last, and one that is gone is passed over', async () => {
  const id = await masterKey();
  await saveMasterKeyUses(
    db,
    new Map([
      [id, 2_000],
      ['flm_gone', 2_000],
    ]),
  );
  await saveMasterKeyUses(db, new Map([[id, 1_000]]));
  expect(await lastUseOf(id)).toBe(2_000);
  expect((await listMasterKeys(db)).map(({ revision }) => revision)).toEqual([1]);
});

test('a key that is just being changed is not waited for', async () => {
  const [held, free] = [await masterKey(), await masterKey()];
  await db.transaction().execute(async (tx) => {
    await tx.selectFrom('master_keys').select('id').where('id', '=', held).forNoKeyUpdate().execute();
    await saveMasterKeyUses(
      db,
      new Map([
        [held, 2_000],
        [free, 2_000],
      ]),
    );
  });
  expect([await lastUseOf(held), await lastUseOf(free)]).toEqual([undefined, 2_000]);
});
