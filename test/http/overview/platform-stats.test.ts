import { afterAll, beforeAll, expect, test } from 'vitest';
import { utcDay } from '../../../src/domain/usage.ts';
import { expireDueKeys } from '../../../src/usecases/user-keys/expire-due-keys.ts';
import { callAs, created, type Headers, removeApiKey, revokeApiKey, rotate } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { mint, verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { dayMs, hourMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
let headers: Headers;
beforeAll(async () => {
  broker = await startBroker();
  headers = (await platformKey(broker)).headers;
});
afterAll(() => broker.close());

async function stats() {
  const { status, body } = await callAs(broker, headers, 'GET /api/v1/platform/stats');
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

/** Expected numbers, counted from the rows. */
async function counted() {
  const now = broker.api.parts.clock.now();
  const keys = await broker.db
    .selectFrom('api_keys')
    .select(['status', 'enabled', 'expires_at'])
    .where('kind', 'in', ['tenant', 'platform'])
    .execute();
  const isOver = (key: { expires_at: Date | null }) => key.expires_at !== null && key.expires_at <= now;
  return {
    total_keys: keys.length,
    active_keys: keys.filter((key) => key.status === 'active' && key.enabled && !isOver(key)).length,
    expired_keys: keys.filter((key) => key.status === 'expired' || (key.status === 'active' && isOver(key)))
      .length,
  };
}

test('422: a query is refused', async () => {
  expectViolations(await callAs(broker, headers, 'GET /api/v1/platform/stats?from=now'), '');
});

test('the counts follow every change of a key, and hidden keys are not in them', async () => {
  const before = await stats();
  const tenant = await tenantKey(broker, 'org_stats');
  const expires_at = new Date(Date.now() + hourMs).toISOString();
  const late = await created(broker, tenant.headers, { expires_at });
  const rotated = await created(broker, tenant.headers);
  const removed = await created(broker, tenant.headers);
  await mint(broker);
  expect(await stats()).toMatchObject({
    total_keys: before.total_keys + 4,
    active_keys: before.active_keys + 4,
    expired_keys: before.expired_keys,
  });
  await rotate(broker, tenant.headers, rotated.id);
  await revokeApiKey(broker, tenant.headers, removed.id);
  await removeApiKey(broker, tenant.headers, removed.id);
  await broker.db.updateTable('api_keys').set({ enabled: false }).where('id', '=', tenant.id).execute();
  expect(await stats()).toMatchObject(await counted());
  walkClock(broker, 2 * hourMs);
  const afterExpiry = await stats();
  expect(afterExpiry).toMatchObject(await counted());
  expect(afterExpiry.expired_keys).toBe(before.expired_keys + 1);
  expect((await verify(broker, late.key)).code).toBe('EXPIRED');
});

test('the sweep that writes expiries down changes nothing of the counts', async () => {
  const at = new Date(Date.now() - hourMs);
  await tenantKey(broker, 'org_swept', { expiresAt: at });
  const before = await stats();
  await expireDueKeys({ db: broker.db, randomBytes: broker.api.parts.randomBytes });
  const { api_calls_today: _calls, ...counts } = await stats();
  expect(before).toMatchObject(counts);
  expect(counts).toMatchObject(await counted());
});

test('changes that race on many connections are all counted', async () => {
  const tenant = await tenantKey(broker, 'org_racing');
  const several = Array.from({ length: 24 });
  const made = await Promise.all(several.map(() => created(broker, tenant.headers)));
  await Promise.all([
    ...made.slice(0, 8).map(({ id }) => revokeApiKey(broker, tenant.headers, id)),
    ...made.slice(4, 16).map(({ id }) => removeApiKey(broker, tenant.headers, id)),
    ...made.slice(12, 24).map(({ id }) => rotate(broker, tenant.headers, id)),
  ]);
  expect(await stats()).toMatchObject(await counted());
});

test('a change that is rolled back is not counted', async () => {
  const before = await stats();
  const tenant = await tenantKey(broker, 'org_back');
  const failing = broker.db.transaction().execute(async (tx) => {
    await tx.deleteFrom('api_keys').where('id', '=', tenant.id).execute();
    throw new Error('back');
  });
  await expect(failing).rejects.toThrow('back');
  expect((await stats()).total_keys).toBe(before.total_keys + 1);
});

test('calls today are the accepted verifications of all keys since 00:00 UTC', async () => {
  await broker.settleUsage();
  const before = await stats();
  const hidden = await mint(broker);
  const tenant = await tenantKey(broker, 'org_calls');
  for (const key of [hidden.key, hidden.key, tenant.secret]) await verify(broker, key);
  await verify(broker, hidden.key, { scopes: ['more'] });
  await broker.settleUsage();
  // The platform key that asks is verified as well: once before, and once now perhaps already.
  // After 22:00 UTC an earlier test, which walks two hours ahead, has counted calls of tomorrow.
  const today = await broker.db
    .selectFrom('usage_days')
    .select(({ fn }) => fn.sum('calls').as('calls'))
    .where('day', '=', utcDay(broker.api.parts.clock.now()))
    .where('code', '=', 'VALID')
    .executeTakeFirstOrThrow();
  const accepted = Number(today.calls);
  const now = await stats();
  expect(now.api_calls_today).toBe(accepted);
  expect(now.api_calls_today).toBeGreaterThanOrEqual(before.api_calls_today + 3);
  walkClock(broker, 2 * dayMs);
  expect((await stats()).api_calls_today).toBe(0);
});
