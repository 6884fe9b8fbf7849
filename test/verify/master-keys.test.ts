import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { newPepper } from '../../src/domain/key-digest.ts';
import { newSecret } from '../../src/domain/key-format.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { chosenSecret, newAuthenticator, newMasterKey } from '../support/authenticator.ts';
import { testOrigin } from '../support/broker.ts';
import type { Around } from '../support/observed-pool.ts';
import { openStores } from '../support/stores.ts';
import { testKeyring, useCaseParts } from '../support/use-case-parts.ts';

const stores = await openStores();
const parts = useCaseParts(stores);
afterAll(() => stores.close());
afterEach(async () => {
  vi.restoreAllMocks();
  // Every chosen key costs each unknown secret a hash.
  await stores.db.updateTable('master_keys').set({ revoked_at: new Date() }).execute();
});

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const madeUp = () => newSecret('master', 'test', randomBytes);
const countHashes = () => vi.spyOn(argon2, 'verify');

/** Revokes it as any replica does; the replica of the test hears of it when it is told to. */
const revoke = (id: string) => revokeMasterKey(parts, testOrigin, id);

describe('an unknown secret', () => {
  test('costs no statement under a lease once the hashes are known, and no hash where no key was chosen', async () => {
    const { identify, statements } = newAuthenticator(stores);
    const hashes = countHashes();
    expect(await Promise.all(times(50, () => identify(chosenSecret())))).toEqual(times(50, () => undefined));
    expect(statements).toEqual({ strangers: 1, customers: 0 });
    await Promise.all(times(50, () => identify(chosenSecret())));
    expect(statements).toEqual({ strangers: 1, customers: 0 });
    expect(hashes).not.toHaveBeenCalled();
  });

  test('shares its reads with those that come at the same time, without a lease', async () => {
    const { identify, statements } = newAuthenticator(stores, { isLeaseHeld: () => false });
    await Promise.all(times(200, () => identify(chosenSecret())));
    expect(statements).toEqual({ strangers: 1, customers: 0 });
    await Promise.all(times(200, madeUp).map((secret) => identify(secret)));
    expect(statements).toEqual({ strangers: 3, customers: 0 });
  });

  test('is hashed once for as long as the chosen keys stay the same', async () => {
    await newMasterKey(parts, chosenSecret());
    const { identify, hear } = newAuthenticator(stores);
    const hashes = countHashes();
    const wrong = chosenSecret();
    for (const _again of times(3, String)) expect(await identify(wrong)).toBeUndefined();
    expect(hashes).toHaveBeenCalledTimes(1);
    const { id } = await newMasterKey(parts, wrong);
    hear(id, 1);
    expect(await identify(wrong)).toBe(id);
  });

  test('is not answered from an attempt that began before its key was made', async () => {
    await newMasterKey(parts, chosenSecret());
    const secret = chosenSecret();
    const { identify, hear } = newAuthenticator(stores);
    const released = Promise.withResolvers<void>();
    const verify = argon2.verify.bind(argon2);
    vi.spyOn(argon2, 'verify').mockImplementationOnce(async (...given) => {
      await released.promise;
      return verify(...given);
    });
    const early = identify(secret);
    await vi.waitFor(() => expect(argon2.verify).toHaveBeenCalled());
    const { id } = await newMasterKey(parts, secret);
    hear(id, 1);
    expect(await identify(secret)).toBe(id);
    released.resolve();
    expect(await early).toBeUndefined();
  });
});

describe('a secret that was recognised', () => {
  test('is not hashed again without a lease, and its row is read for every request', async () => {
    let isHeld = true;
    const { identify, statements } = newAuthenticator(stores, { isLeaseHeld: () => isHeld });
    const { id, secret } = await newMasterKey(parts, chosenSecret());
    expect(await identify(secret)).toBe(id);
    const hashes = countHashes();
    isHeld = false;
    expect(await Promise.all(times(100, () => identify(secret)))).toEqual(times(100, () => id));
    expect(await identify(secret)).toBe(id);
    expect(hashes).not.toHaveBeenCalled();
    expect(statements.customers, 'one row, then a hundred requests at once, then one more').toBe(3);
    await revoke(id);
    expect(await identify(secret)).toBeUndefined();
  });

  test.each(['chosen', 'generated'])('waits for no stranger (%s)', async (kind) => {
    let isHeld = true;
    let around: Around = (_text, run) => run();
    const { identify } = newAuthenticator(stores, {
      isLeaseHeld: () => isHeld,
      aroundStrangers: (text, run) => around(text, run),
    });
    const { id, secret } = await newMasterKey(parts, kind === 'chosen' ? chosenSecret() : undefined);
    expect(await identify(secret)).toBe(id);
    isHeld = false;
    const released = Promise.withResolvers<void>();
    around = (_text, run) => released.promise.then(run);
    const strangers = Promise.all([identify(madeUp()), identify(chosenSecret())]);
    expect(await identify(secret)).toBe(id);
    released.resolve();
    expect(await strangers).toEqual([undefined, undefined]);
  });

  test('is hashed once however many bring it at once for the first time', async () => {
    const { id, secret } = await newMasterKey(parts, chosenSecret());
    const { identify } = newAuthenticator(stores);
    await identify(chosenSecret());
    const hashes = countHashes();
    expect(await Promise.all(times(500, () => identify(secret)))).toEqual(times(500, () => id));
    expect(hashes).toHaveBeenCalledTimes(1);
  });

  test('stands for another master key when an operator chooses it again after a revoke', async () => {
    const secret = chosenSecret();
    const { identify, hear } = newAuthenticator(stores);
    const first = await newMasterKey(parts, secret);
    expect(await identify(secret)).toBe(first.id);
    await revoke(first.id);
    hear(first.id, 2);
    expect(await identify(secret)).toBeUndefined();
    const second = await newMasterKey(parts, secret);
    hear(second.id, 1);
    expect(await identify(secret)).toBe(second.id);
  });
});

describe('while strangers are being hashed', () => {
  /** Keeps every hash at work until it is let go. */
  function heldHashes() {
    const released = Promise.withResolvers<void>();
    const verify = argon2.verify.bind(argon2);
    vi.spyOn(argon2, 'verify').mockImplementation(async (...given) => {
      await released.promise;
      return verify(...given);
    });
    return () => released.resolve();
  }

  test('a chosen key from elsewhere is next but few, and only they are refused', async () => {
    const { id, secret } = await newMasterKey(parts, chosenSecret());
    const { identify } = newAuthenticator(stores);
    await identify(chosenSecret());
    const release = heldHashes();
    const strangers = Promise.allSettled(times(100, () => identify(chosenSecret(), '198.51.100.7')));
    const ours = identify(secret, '192.0.2.1');
    release();
    expect(await ours).toBe(id);
    const outcomes = await strangers;
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(100 - 2 - 40 + 1);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
  });

  test('generated keys are identified', async () => {
    const { id, secret } = await newMasterKey(parts);
    const { identify } = newAuthenticator(stores);
    await identify(chosenSecret());
    const release = heldHashes();
    const strangers = Promise.allSettled(times(100, () => identify(chosenSecret())));
    expect(await identify(secret)).toBe(id);
    release();
    await strangers;
  });
});

describe('a generated master key of an old pepper', () => {
  const current = newPepper('new', randomBytes(32));

  test('is moved to the current one, and tried again while that fails', async () => {
    const { id, secret } = await newMasterKey(parts);
    let isReadOnly = true;
    const { identify } = newAuthenticator(stores, {
      keyring: [current, ...testKeyring],
      isLeaseHeld: () => false,
      aroundStrangers: (text, run) =>
        isReadOnly && text.startsWith('update') ? Promise.reject(new Error('read-only')) : run(),
    });
    expect(await identify(secret)).toBe(id);
    expect((await pepperOf(id)).pepper_id).toBe('p1');
    isReadOnly = false;
    expect(await identify(secret)).toBe(id);
    expect((await pepperOf(id)).pepper_id).toBe('new');
    expect(await newAuthenticator(stores, { keyring: [current] }).identify(secret)).toBe(id);
  });

  const pepperOf = (id: string) =>
    stores.db.selectFrom('master_keys').select('pepper_id').where('id', '=', id).executeTakeFirstOrThrow();
});
