import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const neverExisted = 'flk_0000000000000000000000';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, `DELETE ${keysPath}/${neverExisted}`, 'keys:revoke');

describe('404', () => {
  test('a key that never existed is not found', async () => {
    expectError(await revoke(broker, neverExisted), 404, 'KEY_NOT_FOUND');
  });

  test('a key outside the allow-lists looks exactly like none, and goes on living', async () => {
    const { key_id, key } = await mint(broker);
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await revoke(broker, neverExisted, { as });
      expect(bytesOf(await revoke(broker, key_id, { as }))).toBe(bytesOf(missing));
    }
    expect((await verify(broker, key)).code).toBe('VALID');
  });
});

describe('422', () => {
  test.each(['flk_', 'flk_short', 'flm_000000000000000000', `flk_${'a'.repeat(41)}`, 'flk_a%20b'])(
    'the id %s is refused',
    async (keyId) => {
      expectViolations(await revoke(broker, keyId), 'key_id');
    },
  );

  test('a query and a body that say more than the reason are refused', async () => {
    expectViolations(await revoke(broker, `${neverExisted}?environment=test`), '');
    expectViolations(await revoke(broker, neverExisted, { body: { why: 'leaked' } }), '');
  });
});

describe('success', () => {
  test('the key is refused at once, and the answer says that this holds everywhere', async () => {
    const { key_id, key } = await mint(broker);
    expect((await verify(broker, key)).code).toBe('VALID');
    const { id, secret: as } = await broker.createMasterKey();
    const answer = await revoke(broker, key_id, { as, headers: { 'x-request-id': 'revoking' } });
    expect((await verify(broker, key)).code).toBe('REVOKED');
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      success: true,
      message: expect.any(String),
      revoked_count: 1,
      propagation: 'complete',
      propagation_detail: {
        acknowledged: 1,
        total: 1,
        waited_ms: expect.any(Number),
        effective_by: expect.any(String),
      },
    });
    const { body } = await getKey(broker, key_id);
    expect(body).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
    const events = await auditEventsOf(broker, { targetId: key_id });
    expect(events).toMatchObject([
      { event_type: 'key.minted' },
      { event_type: 'key.revoked', actor_id: id, request_id: 'revoking' },
    ]);
  });

  test('again is a success with 0, and is not written down twice', async () => {
    const { key_id } = await mint(broker);
    await revoke(broker, key_id);
    const before = await auditEventsOf(broker, { targetId: key_id });
    const again = await revoke(broker, key_id);
    expect(again).toMatchObject({ status: 200, body: { revoked_count: 0, propagation: 'complete' } });
    expect(await auditEventsOf(broker, { targetId: key_id })).toEqual(before);
  });

  test('an active key takes its predecessors in grace with it', async () => {
    const first = await mint(broker);
    const second = await refreshed(broker, first, { grace_period_seconds: 600 });
    const third = await refreshed(broker, first, { grace_period_seconds: 600 });
    expect((await revoke(broker, third.key_id)).body.revoked_count).toBe(3);
    for (const { key } of [first, second, third]) expect((await verify(broker, key)).code).toBe('REVOKED');
  });

  test('a predecessor in grace goes alone', async () => {
    const first = await mint(broker);
    const second = await refreshed(broker, first, { grace_period_seconds: 600 });
    expect((await revoke(broker, first.key_id)).body.revoked_count).toBe(1);
    expect((await verify(broker, first.key)).code).toBe('REVOKED');
    expect((await verify(broker, second.key)).code).toBe('VALID');
  });

  test('a key that has ended by itself counts 0', async () => {
    const { key_id } = await mint(broker, { ttl_seconds: 60 });
    walkClock(broker, 60 * secondMs);
    expect(await revoke(broker, key_id)).toMatchObject({ status: 200, body: { revoked_count: 0 } });
  });

  test('a disabled key and one of a suspended organization can still be revoked', async () => {
    const disabled = await mint(broker);
    await update(broker, disabled.key_id, { enabled: false });
    const suspended = await mint(broker);
    await setStatus(broker, suspended.organization_id, 'suspended');
    for (const { key_id } of [disabled, suspended]) {
      expect((await revoke(broker, key_id)).body.revoked_count).toBe(1);
    }
  });
});
