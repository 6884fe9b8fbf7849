import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  apiKeysPath,
  callAs,
  created,
  type Headers,
  idsOf,
  inside,
  listApiKeys,
  revokeApiKey,
} from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { dayMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
let operator: Headers;
beforeAll(async () => {
  broker = await startBroker();
  operator = (await platformKey(broker)).headers;
});
afterAll(() => broker.close());

const idsIn = async (headers: Headers, query: Record<string, string>) =>
  idsOf((await listApiKeys(broker, headers, query)).data);

const inDays = (days: number) => new Date(Date.now() + days * dayMs).toISOString();

describe('422', () => {
  test.each(['expires_before', 'created_before'])('%s has to be a time', async (name) => {
    expectViolations(await callAs(broker, operator, `GET ${apiKeysPath}?${name}=soon`), name);
  });
});

test('expires before: active keys whose expiry is to come, for a tenant its own and for an operator those of all', async () => {
  const tenant = await tenantKey(broker, 'org_expiring', { expiresAt: new Date(Date.now() + dayMs) });
  const other = await tenantKey(broker, 'org_other', { expiresAt: new Date(Date.now() + dayMs) });
  const soon = (await created(broker, tenant.headers, { expires_at: inDays(3) })).id;
  await created(broker, tenant.headers, { expires_at: inDays(30) });
  await created(broker, tenant.headers);
  await tenantKey(broker, 'org_expiring', { expiresAt: new Date(Date.now() - 1_000) });
  const revoked = (await created(broker, tenant.headers, { expires_at: inDays(3) })).id;
  await revokeApiKey(broker, tenant.headers, revoked);
  const query = { expires_before: inDays(7) };
  for (const headers of [tenant.headers, inside('org_expiring', operator)]) {
    expect(await idsIn(headers, query)).toEqual([soon, tenant.id]);
  }
  expect(await idsIn(operator, query)).toEqual([soon, other.id, tenant.id]);
  expect(await idsIn(operator, { ...query, organization_id: 'org_expiring' })).toEqual([soon, tenant.id]);
  expect(await idsIn(operator, { ...query, status: 'revoked' })).toEqual([]);
  expect(await idsIn(operator, { ...query, name: 'nothing has this name' })).toEqual([]);
});

test('created_before leaves later keys out, and with unused_since young keys are not stale', async () => {
  const old = await tenantKey(broker, 'org_ages');
  walkClock(broker, 2 * dayMs);
  const young = await tenantKey(broker, 'org_ages');
  const headers = inside('org_ages', operator);
  const dayLater = { created_before: inDays(1) };
  expect(await idsIn(headers, {})).toEqual([young.id, old.id]);
  expect(await idsIn(headers, dayLater)).toEqual([old.id]);
  expect(await idsIn(headers, { ...dayLater, unused_since: inDays(1) })).toEqual([old.id]);
  expect(await idsIn(headers, { created_before: inDays(-1) })).toEqual([]);
});
