import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { newApiKeySecret, newSecret } from '../../../src/domain/key-format.ts';
import type { VerdictCode } from '../../../src/domain/verdict.ts';
import { createApiUser, firstApiAdmin, type TestApiUser } from '../../support/api-users.ts';
import type { TestBroker } from '../../support/broker.ts';
import { type Minted, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { sweep } from '../../support/sweep.ts';

/** One input, as each door takes it in its own spelling. */
export type Question = {
  key: string;
  scopes?: string[];
  organization_id?: string;
  environment?: string;
  ip?: string;
};

type VerdictCase = [name: string, code: VerdictCode, question: () => Promise<Question>];

const day = { expires_at: '2100-01-01T00:00:00.000Z' };
const ranges = { ip_allowlist: ['10.0.0.0/8', '2001:db8::/32'] };
const hourly = (limit: number) => ({ rate_limit: { limit, window_seconds: 3_600 } });
const daily = (limit: number) => ({ quota: { limit, period: 'day' } });

/**
 * Keys of every kind and in every state, with what is asked of them, and the one verdict on each.
 */
export function verdictCases(broker: () => TestBroker): VerdictCase[] {
  const oneOf = async (settings: object, asked: Omit<Question, 'key'> = {}): Promise<Question> => {
    const { key } = await mint(broker(), settings);
    return { key, ...asked };
  };
  let admin: Promise<TestApiUser> | undefined;
  const apiUserKey = async (): Promise<Question> => {
    admin ??= firstApiAdmin(broker());
    return { key: (await createApiUser(broker(), await admin)).key };
  };
  return [
    ['a key without any setting', 'VALID', () => oneOf({})],
    ['a key with settings', 'VALID', () => oneOf({ ...day, scopes: ['a', 'b'], metadata: { plan: 'gold' } })],
    ['a tenant key', 'VALID', async () => ({ key: (await tenantKey(broker(), 'org_tenant')).secret })],
    ['a platform key', 'VALID', async () => ({ key: (await platformKey(broker())).secret })],
    ['the key of an API user', 'VALID', apiUserKey],
    ['a master key', 'MALFORMED', async () => ({ key: broker().masterKey })],
    ['nothing', 'MALFORMED', async () => ({ key: '' })],
    ['a word', 'MALFORMED', async () => ({ key: 'x' })],
    ['5,000 characters', 'MALFORMED', async () => ({ key: 'a'.repeat(5_000) })],
    ['5,000 characters after the prefix', 'MALFORMED', async () => ({ key: `fl_user_${'a'.repeat(4_992)}` })],
    ['60,000 characters', 'MALFORMED', async () => ({ key: 'a'.repeat(60_000) })],
    ['what is no text', 'MALFORMED', async () => ({ key: 'fl_user_test_\u0000\ud800\u{1f511}' })],
    ['a key and a letter', 'MALFORMED', async () => ({ key: `${(await mint(broker())).key}x` })],
    ['an unknown user key', 'NOT_FOUND', async () => ({ key: newSecret('user', 'test', randomBytes) })],
    ['an unknown tenant key', 'NOT_FOUND', async () => ({ key: newApiKeySecret('tenant', randomBytes) })],
    ['a revoked key', 'REVOKED', () => revokedKey(broker())],
    ['a key that was refreshed', 'REVOKED', () => predecessor(broker(), 0)],
    ['a key in its grace', 'SUPERSEDED', () => predecessor(broker(), 3_600)],
    ['a key after its grace', 'REVOKED', () => predecessor(broker(), 1, 1_200)],
    ['a disabled key', 'DISABLED', () => disabledKey(broker())],
    ['an expired key', 'EXPIRED', async () => ({ key: (await expiredKey(broker())).key })],
    ['an expired key that was swept', 'EXPIRED', () => sweptKey(broker())],
    ['a key of a suspended organization', 'ORGANIZATION_SUSPENDED', () => suspendedKey(broker())],
    ['its own environment', 'VALID', () => oneOf({}, { environment: 'test' })],
    ['another environment', 'ENVIRONMENT_MISMATCH', () => oneOf({}, { environment: 'prod' })],
    ['another organization', 'ORGANIZATION_MISMATCH', () => oneOf({}, { organization_id: 'org_other' })],
    ['an address inside', 'VALID', () => oneOf(ranges, { ip: '10.1.2.3' })],
    ['an IPv6 address inside', 'VALID', () => oneOf(ranges, { ip: '2001:db8::7' })],
    ['an address outside', 'IP_NOT_ALLOWED', () => oneOf(ranges, { ip: '11.1.2.3' })],
    ['no address', 'IP_NOT_ALLOWED', () => oneOf(ranges)],
    ['an address with its port', 'VALID', () => oneOf(ranges, { ip: '10.1.2.3:51234' })],
    ['an IPv4 address inside IPv6', 'VALID', () => oneOf(ranges, { ip: '::ffff:10.1.2.3' })],
    ['what is no address', 'IP_NOT_ALLOWED', () => oneOf(ranges, { ip: 'localhost' })],
    ['what is no address, for a key without a list', 'VALID', () => oneOf({}, { ip: '10.0.0.0/08' })],
    ['scopes that it has', 'VALID', () => oneOf({ scopes: ['a', 'b'] }, { scopes: ['b', 'a'] })],
    ['a scope too many', 'INSUFFICIENT_SCOPE', () => oneOf({ scopes: ['a'] }, { scopes: ['a', 'b'] })],
    ['limits that are not reached', 'VALID', () => oneOf({ ...hourly(1_000), ...daily(1_000) })],
    [
      'a rate limit that is reached',
      'RATE_LIMITED',
      () => spent(broker(), { ...hourly(1), ...daily(1_000) }),
    ],
    ['a quota that is reached', 'QUOTA_EXCEEDED', () => spent(broker(), { ...hourly(1_000), ...daily(1) })],
  ];
}

async function revokedKey(broker: TestBroker): Promise<Question> {
  const { key, key_id } = await mint(broker);
  await revoke(broker, key_id);
  return { key };
}

async function predecessor(broker: TestBroker, grace_period_seconds: number, waitMs = 0): Promise<Question> {
  const old = await mint(broker);
  await refreshed(broker, old, { grace_period_seconds });
  await sleep(waitMs);
  return { key: old.key };
}

async function disabledKey(broker: TestBroker): Promise<Question> {
  const { key, key_id } = await mint(broker);
  await update(broker, key_id, { enabled: false });
  return { key };
}

async function expiredKey(broker: TestBroker): Promise<Minted> {
  const minted = await mint(broker, { ttl_seconds: 1 });
  await sleep(1_200);
  return minted;
}

async function sweptKey(broker: TestBroker): Promise<Question> {
  const { key, key_id } = await expiredKey(broker);
  await sweep(broker, [key_id]);
  return { key };
}

async function suspendedKey(broker: TestBroker): Promise<Question> {
  const { key, organization_id } = await mint(broker);
  await setStatus(broker, organization_id, 'suspended');
  return { key };
}

async function spent(broker: TestBroker, settings: object): Promise<Question> {
  const { key } = await mint(broker, settings);
  expect((await verify(broker, key)).code).toBe('VALID');
  return { key };
}
