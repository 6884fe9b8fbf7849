import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fillMinters } from '../../../src/usecases/upkeep/fill-minters.ts';
import { foldKeyCounts } from '../../../src/usecases/upkeep/fold-key-counts.ts';
import { refreshKey } from '../../../src/usecases/user-keys/refresh-key.ts';
import { admitTestCallers, testMasterKey } from '../../support/callers.ts';
import { query } from '../../support/query.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith, mintedKey, useCaseParts } from '../../support/use-case-parts.ts';

const stores = await openStores();
const parts = useCaseParts(stores);
const { db, databaseUrl } = stores;
beforeAll(() => admitTestCallers(db));
afterAll(() => stores.close());
beforeEach(() => query(databaseUrl, "UPDATE minted_by_fill SET rests_until = '-infinity'"));

/** As the previous release writes keys. */
const forget = (id: string) => query(databaseUrl, 'UPDATE api_keys SET minted_by = NULL WHERE id = $1', [id]);

async function forgottenKey(): Promise<string> {
  const { keyId } = await mintedKey(parts);
  await forget(keyId);
  return keyId;
}

const minterOf = async (id: string) =>
  (await query(databaseUrl, 'SELECT minted_by FROM api_keys WHERE id = $1', [id]))[0]?.minted_by;

test('an older key gets the master key of its mint, and a refreshed one that of its refresh', async () => {
  const minted = await mintedKey(parts);
  const { minted: successor } = await refreshKey(parts, callerWith(), {
    ...minted.request,
    gracePeriodSeconds: 60,
  });
  await forget(minted.keyId);
  await forget(successor.keyId);
  expect(await fillMinters({ db })).toBe(2);
  expect(await minterOf(minted.keyId)).toBe(testMasterKey.id);
  expect(await minterOf(successor.keyId)).toBe(testMasterKey.id);
});

test('the counts of its master key get it too', async () => {
  const livingOf = async () => {
    await foldKeyCounts({ db });
    const rows = await query(databaseUrl, 'SELECT living::integer, total::integer FROM minted_key_totals');
    return rows[0];
  };
  const before = await livingOf();
  const id = await forgottenKey();
  expect(await livingOf()).toEqual(before);
  await fillMinters({ db });
  expect(await minterOf(id)).toBe(testMasterKey.id);
  expect(await livingOf()).toEqual({ living: before?.living + 1, total: before?.total + 1 });
});

test('a key that no master key has minted stays without one', async () => {
  const id = await forgottenKey();
  await query(
    databaseUrl,
    `INSERT INTO api_keys SELECT (json_populate_record(api_keys, json_build_object('id', 'flk_' || repeat('Z', 22),
       'lineage_id', 'flk_' || repeat('Z', 22), 'user_id', 'other', 'digest', '\\x00'))).* FROM api_keys WHERE id = $1`,
    [id],
  );
  await fillMinters({ db });
  expect(await minterOf(`flk_${'Z'.repeat(22)}`)).toBeNull();
});

test('a key that somebody changes is not waited for, and comes with the next pass', async () => {
  const [free, held] = [await forgottenKey(), await forgottenKey()];
  await db.transaction().execute(async (tx) => {
    await tx.selectFrom('api_keys').select('id').where('id', '=', held).forUpdate().execute();
    await fillMinters({ db });
    expect(await minterOf(free)).toBe(testMasterKey.id);
    expect(await minterOf(held)).toBeNull();
  });
  await fillMinters({ db });
  expect(await minterOf(held)).toBe(testMasterKey.id);
});

test('after a whole pass it rests, and then finds what the previous release has minted meanwhile', async () => {
  await fillMinters({ db });
  const id = await forgottenKey();
  expect(await fillMinters({ db })).toBe(0);
  await query(databaseUrl, "UPDATE minted_by_fill SET rests_until = now() - interval '1 second'");
  expect(await fillMinters({ db })).toBe(1);
  expect(await minterOf(id)).toBe(testMasterKey.id);
});
