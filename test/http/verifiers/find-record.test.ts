import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectViolations } from '../../support/errors.ts';
import { getKey, mint, revoke, update } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';
import { findRecord, neverRegistered, verifiersPath } from './verifier-calls.ts';

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/records`, 'keys:verify:embedded');

test('422: without a key', async () => {
  const operation = `POST ${verifiersPath}/${neverRegistered}/records`;
  expectViolations(await broker.call(operation, { body: {} }), 'key');
});

describe('200', () => {
  test('it is all that verification decides from, and never the secret', async () => {
    const settings = {
      environment: 'prod',
      scopes: ['read'],
      metadata: { plan: 'gold' },
      rate_limit: { limit: 5, window_seconds: 60 },
      quota: { limit: 50, period: 'day' },
      ip_allowlist: ['10.0.0.0/8'],
      expires_at: '2100-01-01T00:00:00.000Z',
    };
    const { expires_at, ...shown } = settings;
    const minted = await mint(broker, settings);
    const { status, body } = await findRecord(broker, minted.key);
    expect(status).toBe(200);
    expect(body).toEqual({
      organization_active: true,
      age_ms: expect.any(Number),
      as_of_seq: expect.any(Number),
      record: {
        ...shown,
        id: minted.key_id,
        lineage_id: minted.key_id,
        user_id: minted.user_id,
        organization_id: minted.organization_id,
        revision: 1,
        status: 'active',
        enabled: true,
        expires_at_ms: Date.parse(expires_at),
        superseded_until_ms: null,
        quarantined_until_ms: null,
        superseded_by: null,
        superseded_at_ms: null,
        minter: expect.stringMatching(/^[\w-]{8}$/),
        mint_number: expect.any(Number),
        created_at_ms: Date.parse(minted.created_at),
      },
    });
    expect(JSON.stringify(body)).not.toContain(minted.key);
  });

  test('its age counts from the read of the database, wherever the record comes from', async () => {
    const { key } = await mint(broker);
    expect((await findRecord(broker, key)).body.age_ms).toBeLessThan(5_000);
    walkClock(broker, 100 * secondMs);
    const { age_ms } = (await findRecord(broker, key)).body;
    expect(age_ms).toBeGreaterThanOrEqual(100 * secondMs);
    expect(age_ms).toBeLessThan(110 * secondMs);
  });

  test('a revoke that has answered is in the record of every replica', async () => {
    const { key, key_id } = await mint(broker);
    for (const at of [broker, replica]) await findRecord(at, key);
    await revoke(broker, key_id);
    for (const at of [broker, replica]) {
      expect((await findRecord(at, key)).body.record).toMatchObject({ status: 'revoked', revision: 2 });
    }
  });

  test('so is a change, and a suspended organization', async () => {
    const { key, key_id, organization_id } = await mint(broker);
    await findRecord(replica, key);
    await update(broker, key_id, { enabled: false });
    expect((await findRecord(replica, key)).body.record.enabled).toBe(false);
    await setStatus(broker, organization_id, 'suspended');
    expect((await findRecord(replica, key)).body.organization_active).toBe(false);
  });

  test('a key beyond the allow-lists, an unknown one and what is no key look alike', async () => {
    const { key, organization_id } = await mint(broker);
    const missing = bytesOf(await findRecord(broker, 'fl_user_test_x'));
    expect((await findRecord(broker, 'fl_user_test_x')).body).toEqual({ record: null });
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['other'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      expect(bytesOf(await findRecord(broker, key, { as }))).toBe(missing);
    }
    expect(bytesOf(await findRecord(broker, broker.masterKey))).toBe(missing);
    const { secret: as } = await broker.createMasterKey({ organizationIds: [organization_id] });
    expect((await findRecord(broker, key, { as })).body.record).not.toBeNull();
  });

  test('looking a record up counts as no use of the key', async () => {
    const { key, key_id } = await mint(broker);
    await findRecord(broker, key);
    await broker.settleUsage();
    expect((await getKey(broker, key_id)).body.usage).toMatchObject({
      total_requests: 0,
      refused_requests: 0,
    });
  });
});
