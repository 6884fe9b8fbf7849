import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, refresh, refreshed, update, verify } from '../../support/keys.ts';
import { dayMs, secondMs, walkClock } from '../../support/walk-clock.ts';

const neverExisted = 'flk_0000000000000000000000';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, `GET ${keysPath}/${neverExisted}`, 'keys:read');

describe('404', () => {
  test('a key outside the allow-lists looks exactly like one that never existed', async () => {
    const { key_id } = await mint(broker);
    expectError(await getKey(broker, neverExisted), 404, 'KEY_NOT_FOUND');
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await getKey(broker, neverExisted, { as });
      expect(bytesOf(await getKey(broker, key_id, { as }))).toBe(bytesOf(missing));
    }
  });
});

describe('422', () => {
  test('an id that is none, a query and a secret in the place of an id are refused', async () => {
    const { key, key_id } = await mint(broker);
    expectViolations(await getKey(broker, 'flk_short'), 'key_id');
    expectViolations(await getKey(broker, `${key_id}?fields=usage`), '');
    const answer = await getKey(broker, key);
    expectViolations(answer, 'key_id');
    expect(JSON.stringify(answer.body)).not.toContain(key.slice(-38));
  });
});

describe('success', () => {
  test('the answer is the whole key without its secret', async () => {
    const masterKey = await broker.createMasterKey({});
    const options = { as: masterKey.secret };
    const { key, key_id, key_prefix, user_id, organization_id, created_at } = await mint(broker, {}, options);
    const answer = await getKey(broker, key_id);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      key_id,
      key_prefix,
      user_id,
      organization_id,
      environment: 'test',
      minted_by: masterKey.id,
      name: null,
      metadata: {},
      scopes: [],
      expires_at: null,
      rate_limit: null,
      quota: null,
      ip_allowlist: null,
      enabled: true,
      status: 'active',
      activated_at: null,
      superseded_until: null,
      quarantined_until: null,
      revoked_at: null,
      revoked_reason: null,
      created_at,
      updated_at: created_at,
      usage: {
        total_requests: 0,
        refused_requests: 0,
        requests_today: 0,
        first_used_at: null,
        last_used_at: null,
        last_reset: `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`,
      },
    });
    expect(JSON.stringify(answer.body)).not.toContain(key.slice(-38));
  });

  test('it was minted by the master key that learned its secret, at a mint or at a refresh', async () => {
    const [minter, refresher] = [await broker.createMasterKey({}), await broker.createMasterKey({})];
    const old = await mint(broker, {}, { as: minter.secret });
    const { new_key } = (await refresh(broker, old, {}, { as: refresher.secret })).body;
    const [before, after] = [await getKey(broker, old.key_id), await getKey(broker, new_key.key_id)];
    expect(before.body).toMatchObject({ minted_by: minter.id, revoked_reason: 'superseded' });
    expect(after.body).toMatchObject({ minted_by: refresher.id, revoked_reason: null });
  });

  test('the status is what verification would say, whether or not the sweep came by', async () => {
    const old = await mint(broker, { ttl_seconds: 600 });
    const active = await refreshed(broker, old, { grace_period_seconds: 60 });
    const statuses = async () => [
      (await getKey(broker, old.key_id)).body.status,
      (await getKey(broker, active.key_id)).body.status,
    ];
    expect(await statuses()).toEqual(['superseded', 'active']);
    await update(broker, active.key_id, { enabled: false });
    expect(await statuses()).toEqual(['superseded', 'disabled']);
    walkClock(broker, 61 * secondMs);
    expect(await statuses()).toEqual(['revoked', 'disabled']);
    walkClock(broker, 600 * secondMs);
    expect(await statuses()).toEqual(['revoked', 'expired']);
  });

  test('usage is counted over the whole line of refreshes, refusals apart, and today by the UTC day', async () => {
    const old = await mint(broker, { scopes: ['read'] });
    await verify(broker, old.key);
    await verify(broker, old.key, { scopes: ['write'] });
    const active = await refreshed(broker, old, { grace_period_seconds: 600 });
    await verify(broker, old.key);
    await verify(broker, active.key);
    await broker.settleUsage();
    const { usage } = (await getKey(broker, active.key_id)).body;
    expect(usage).toMatchObject({ total_requests: 3, refused_requests: 1, requests_today: 3 });
    expect(Date.parse(usage.first_used_at)).toBeLessThanOrEqual(Date.parse(usage.last_used_at));
    expect((await getKey(broker, old.key_id)).body.usage).toEqual(usage);

    walkClock(broker, dayMs);
    await verify(broker, active.key);
    await broker.settleUsage();
    const tomorrow = (await getKey(broker, active.key_id)).body.usage;
    expect(tomorrow).toMatchObject({ total_requests: 4, requests_today: 1 });
    expect(Date.parse(tomorrow.last_reset) - Date.parse(usage.last_reset)).toBe(dayMs);
    expect(tomorrow.first_used_at).toBe(usage.first_used_at);
  });
});
