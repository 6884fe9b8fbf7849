import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestSecret, type Keyring, newPepper } from '../../src/domain/key-digest.ts';
import { rekeyKey } from '../../src/stores/postgres/user-keys/user-keys.ts';
import { Rekeying } from '../../src/verify/rekeying.ts';
import { admitTestCallers } from '../support/callers.ts';
import { eventually } from '../support/eventually.ts';
import { openStores } from '../support/stores.ts';
import { mintedKey, useCaseParts } from '../support/use-case-parts.ts';
import { newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const old = newPepper('old', randomBytes(32));
const current = newPepper('new', randomBytes(32));
const both: Keyring = [current, old];

function mintUnder(keyring: Keyring) {
  return mintedKey({ ...useCaseParts(stores), keyring });
}

function storedUnder(keyId: string) {
  return stores.db
    .selectFrom('api_keys')
    .select(['pepper_id', 'digest', 'revision'])
    .where('id', '=', keyId)
    .executeTakeFirstOrThrow();
}

describe('a key of an old pepper', () => {
  test('is found while the old pepper is kept, and asks to be moved to the current one', async () => {
    const { secret, keyId } = await mintUnder([old]);
    const { records, oldPeppers } = newVerifier(stores, { keyring: both });
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(oldPeppers).toEqual([{ keyId, fromPepperId: 'old', to: digestSecret(current, secret) }]);
  });

  test('is moved after the answer, and is found from then on without the old pepper', async () => {
    const { secret, keyId } = await mintUnder([old]);
    const rekeying = new Rekeying((id, from, to) => rekeyKey(stores.db, id, from, to));
    const { records, oldPeppers } = newVerifier(stores, { keyring: both });
    await records.find(secret);
    expect((await storedUnder(keyId)).pepper_id, 'the answer did not wait for it').toBe('old');
    for (const { keyId: id, fromPepperId, to } of oldPeppers) rekeying.enqueue(id, fromPepperId, to);
    const stored = await eventually(
      5_000,
      () => storedUnder(keyId),
      (row) => row.pepper_id === 'new',
    );
    expect(stored.digest).toEqual(digestSecret(current, secret).digest);
    expect(stored.revision, 'nothing that a cache must know has changed').toBe(1);
    await stores.flushRedis();
    const after = newVerifier(stores, { keyring: [current] });
    expect((await after.records.find(secret))?.record.id).toBe(keyId);
    expect(after.oldPeppers).toEqual([]);
  });

  test('is found through Redis under its current digest by a replica that has both', async () => {
    const { secret, keyId } = await mintUnder([old]);
    await newVerifier(stores, { keyring: both }).records.find(secret);
    await eventually(
      5_000,
      () => stores.redis.dbsize(),
      (size) => size === 1,
    );
    const { records, sources } = newVerifier(stores, { keyring: both });
    expect((await records.find(secret))?.record.id).toBe(keyId);
    expect(sources).toEqual(['redis']);
  });

  test('is unknown once the old pepper is gone and it was not moved', async () => {
    const { secret } = await mintUnder([old]);
    expect(await newVerifier(stores, { keyring: [current] }).records.find(secret)).toBeUndefined();
  });

  test('that was moved by somebody else meanwhile is not moved back', async () => {
    const { secret, keyId } = await mintUnder([old]);
    await rekeyKey(stores.db, keyId, 'old', digestSecret(current, secret));
    await rekeyKey(stores.db, keyId, 'old', { pepperId: 'stray', digest: randomBytes(32) });
    expect((await storedUnder(keyId)).pepper_id).toBe('new');
  });
});

test('a key of the current pepper asks for nothing', async () => {
  const { secret } = await mintUnder([current]);
  const { records, oldPeppers } = newVerifier(stores, { keyring: both });
  await records.find(secret);
  expect(oldPeppers).toEqual([]);
});

describe('moving keys', () => {
  const to = { pepperId: 'new', digest: Buffer.alloc(32) };

  test('goes one after another, and one that fails does not stop the others', async () => {
    const moved: string[] = [];
    let [running, runningMax] = [0, 0];
    const rekeying = new Rekeying(async (keyId) => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      moved.push(keyId);
      if (keyId === 'flk_1') throw new Error('no');
    });
    for (const keyId of ['flk_1', 'flk_2', 'flk_3', 'flk_2']) rekeying.enqueue(keyId, 'old', to);
    await eventually(
      5_000,
      () => moved.length,
      (count) => count === 3,
    );
    expect({ moved, runningMax }).toEqual({ moved: ['flk_1', 'flk_2', 'flk_3'], runningMax: 1 });
  });

  test('keeps no more than a thousand waiting, and goes on when those are done', async () => {
    const gate = Promise.withResolvers<void>();
    const moved = new Set<string>();
    const rekeying = new Rekeying(async (keyId) => {
      await gate.promise;
      moved.add(keyId);
    });
    for (let key = 0; key < 1_500; key++) rekeying.enqueue(`flk_${key}`, 'old', to);
    gate.resolve();
    await eventually(
      5_000,
      () => moved.size,
      (size) => size === 1_000,
    );
    await new Promise((resolve) => setImmediate(resolve));
    rekeying.enqueue('flk_later', 'old', to);
    await eventually(5_000, () => moved.has('flk_later'), Boolean);
    expect(moved.size).toBe(1_001);
  });
});
