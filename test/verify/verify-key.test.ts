import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import type { VerdictCode } from '../../src/domain/verdict.ts';
import type { MintRequest } from '../../src/usecases/user-keys/mint-key.ts';
import { refreshKey } from '../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { type VerifyParts, verifyKey } from '../../src/verify/verify-key.ts';
import { admitTestCallers } from '../support/callers.ts';
import { newLimits } from '../support/limits.ts';
import { openStores } from '../support/stores.ts';
import { callerWith, mintedKey, useCaseParts, WalkedClock } from '../support/use-case-parts.ts';
import { newVerifier } from '../support/verifier.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
const clock = new WalkedClock(new Date());
const parts = useCaseParts(stores, clock);
const { principal } = callerWith();
const { limits } = newLimits(stores);
afterAll(() => stores.close());

type Mark = [lineageId: string, code: VerdictCode, cost: number];
let seen: { marks: Mark[]; told: VerdictCode[]; spends: number };
beforeEach(() => {
  seen = { marks: [], told: [], spends: 0 };
});

function newParts(): VerifyParts {
  // Every look-up is a first one, so that each test sees what Postgres says.
  const { records } = newVerifier(stores, { clock, lease: { isHeld: () => false } });
  return {
    records,
    clock,
    usage: { mark: (_tally, lineageId, code, cost) => void seen.marks.push([lineageId, code, cost]) },
    onVerdict: (code) => void seen.told.push(code),
    refusals: { note: () => undefined },
    unknownKeys: { note: () => undefined },
    supersededUses: { noteKey: () => undefined },
    askedScopes: { note: () => undefined },
    activate: async () => false,
    spendLimits: (record, cost, now) => {
      seen.spends += 1;
      return limits.spend(record, cost, now);
    },
  };
}

const verify = (key: string, asked: object = {}, caller = principal) =>
  verifyKey(newParts(), caller, { key, ...asked });
const ownerOf = ({ userId, organizationId, environment }: MintRequest) => ({
  userId,
  organizationId,
  environment,
});

describe('a yes', () => {
  test('says whose key it is and what it may do, and is counted with its cost', async () => {
    const expiresAt = new Date(clock.nowMs() + 60_000);
    const settings = { scopes: ['read', 'write'], metadata: { plan: 'pro' }, expiresAt };
    const { secret, keyId, request } = await mintedKey(parts, settings);
    expect(await verify(secret, { scopes: ['read'], cost: 3 })).toEqual({
      valid: true,
      code: 'VALID',
      key_id: keyId,
      user_id: request.userId,
      organization_id: 'org_1',
      environment: 'test',
      scopes: ['read', 'write'],
      metadata: { plan: 'pro' },
      expires_at: expiresAt.toISOString(),
    });
    expect(seen).toEqual({ marks: [[keyId, 'VALID', 3]], told: ['VALID'], spends: 0 });
  });

  test('inside a grace says SUPERSEDED and when this very key stops, and is counted for the line', async () => {
    const { secret, keyId, request } = await mintedKey(parts);
    await refreshKey(parts, callerWith(), { ...ownerOf(request), gracePeriodSeconds: 60 });
    const verdict = await verify(secret);
    expect(verdict).toMatchObject({ valid: true, code: 'SUPERSEDED', key_id: keyId });
    expect(verdict).toMatchObject({ expires_at: new Date(clock.nowMs() + 60_000).toISOString() });
    expect(seen.marks).toEqual([[keyId, 'SUPERSEDED', 1]]);
  });

  test('of a successor is counted for the line it continues', async () => {
    const { keyId, request } = await mintedKey(parts);
    const { minted } = await refreshKey(parts, callerWith(), { ...ownerOf(request), gracePeriodSeconds: 0 });
    expect(await verify(minted.secret)).toMatchObject({ key_id: minted.keyId, expires_at: null });
    expect(seen.marks).toEqual([[keyId, 'VALID', 1]]);
  });

  test('says what is left of its limits', async () => {
    const limits = {
      rateLimit: { limit: 5, window_seconds: 60 },
      quota: { limit: 9, period: 'day' as const },
    };
    const { secret } = await mintedKey(parts, limits);
    expect(await verify(secret, { cost: 2 })).toMatchObject({
      valid: true,
      rate_limit: { limit: 5, remaining: 3, enforced: true },
      quota: { limit: 9, remaining: 7, enforced: true },
    });
  });
});

describe('a no', () => {
  test('to what is no key of a user is MALFORMED, asks nobody and is counted for nobody', async () => {
    for (const key of [
      '',
      'x',
      newSecret('master', 'test', randomBytes),
      `${newSecret('user', 'test', randomBytes)}x`,
    ]) {
      expect(await verify(key)).toEqual({ valid: false, code: 'MALFORMED' });
    }
    expect(seen).toEqual({ marks: [], told: Array(4).fill('MALFORMED'), spends: 0 });
  });

  test('to a well-formed key that was never minted is NOT_FOUND', async () => {
    expect(await verify(newSecret('user', 'test', randomBytes))).toEqual({ valid: false, code: 'NOT_FOUND' });
    expect(seen.marks).toEqual([]);
  });

  test.each([
    ['another organization', { organizationIds: ['org_2'] }],
    ['another environment', { environments: ['prod'] }],
  ])('to a caller of %s is the same NOT_FOUND, also for a key that has ended', async (_what, limits) => {
    const { secret, keyId } = await mintedKey(parts);
    const { principal: foreign } = callerWith(limits);
    expect(await verify(secret, {}, foreign)).toEqual({ valid: false, code: 'NOT_FOUND' });
    await revokeKey(parts, callerWith(), keyId);
    expect(await verify(secret, {}, foreign)).toEqual({ valid: false, code: 'NOT_FOUND' });
    expect(seen).toMatchObject({ marks: [], spends: 0 });
  });

  test('tells nothing of the key, spends no limit, and is counted at no cost', async () => {
    const { secret, keyId } = await mintedKey(parts, { rateLimit: { limit: 1, window_seconds: 60 } });
    expect(await verify(secret, { environment: 'prod', cost: 5 })).toEqual({
      valid: false,
      code: 'ENVIRONMENT_MISMATCH',
    });
    expect(seen).toEqual({
      marks: [[keyId, 'ENVIRONMENT_MISMATCH', 0]],
      told: ['ENVIRONMENT_MISMATCH'],
      spends: 0,
    });
    expect(await verify(secret)).toMatchObject({ valid: true, rate_limit: { remaining: 0 } });
  });

  test('of a limit says how far it is used up, and is counted at no cost', async () => {
    const { secret, keyId } = await mintedKey(parts, { quota: { limit: 1, period: 'month' } });
    await verify(secret);
    const refused = await verify(secret, { cost: 4 });
    expect(refused).toMatchObject({
      valid: false,
      code: 'QUOTA_EXCEEDED',
      quota: { limit: 1, remaining: 0 },
    });
    expect(refused).not.toHaveProperty('key_id');
    expect(seen.marks).toEqual([
      [keyId, 'VALID', 1],
      [keyId, 'QUOTA_EXCEEDED', 0],
    ]);
  });
});

test('expiry is decided at the moment of the call, without anybody having swept', async () => {
  const { secret } = await mintedKey(parts, { expiresAt: new Date(clock.nowMs() + 1_000) });
  clock.walk(999);
  expect((await verify(secret)).code).toBe('VALID');
  clock.walk(1);
  expect((await verify(secret)).code).toBe('EXPIRED');
});

test('when it cannot be decided it is refused to decide, not guessed, and nothing is counted', async () => {
  const { secret } = await mintedKey(parts);
  const away = stores.observed(() => Promise.reject(new Error('away')));
  const { records } = newVerifier(stores, { clock, db: away });
  await expect(verifyKey({ ...newParts(), records }, principal, { key: secret })).rejects.toThrow('away');
  expect(seen).toEqual({ marks: [], told: [], spends: 0 });
});
