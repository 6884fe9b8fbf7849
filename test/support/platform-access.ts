import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newApiKeySecret } from '../../src/domain/key-format.ts';
import type { TestBroker } from './broker.ts';
import { bytesOf, expectError } from './errors.ts';
import { mint } from './keys.ts';
import { platformKey, tenantKey } from './platform-callers.ts';

/** The weakest built-in role that is allowed, and the strongest that is not. */
type Roles = { may: string; mayNot?: string };

/** Tests authentication and authorization of an operators' route. */
export function testOperatorAccess(broker: () => TestBroker, operation: string, { may, mayNot }: Roles) {
  const callWith = (authorization: string | undefined) =>
    broker().call(operation, {
      as: null,
      headers: authorization === undefined ? {} : { authorization },
    });

  test('401: no, unknown, expired and foreign credentials are refused all alike', async () => {
    const refused = await callWith(undefined);
    expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
    const expired = await platformKey(broker(), [may], { expiresAt: new Date(Date.now() - 1) });
    const ofTenant = await tenantKey(broker(), 'org_of_access');
    const { key: ofUser } = await mint(broker());
    const unknown = newApiKeySecret('platform', randomBytes);
    for (const secret of [unknown, expired.secret, ofTenant.secret, ofUser, broker().masterKey, 'x']) {
      expect(bytesOf(await callWith(`Bearer ${secret}`)), secret).toBe(bytesOf(refused));
    }
  });

  test(`403: ${mayNot ?? 'an operator without roles'} is refused, and that is written down; ${may} is not`, async () => {
    const without = await platformKey(broker(), mayNot === undefined ? [] : [mayNot]);
    const refused = await callWith(without.headers.authorization);
    expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS');
    const [event] = await broker()
      .db.selectFrom('audit_events')
      .select(['event_type', 'result'])
      .where('actor_id', '=', without.id)
      .execute();
    expect(event).toEqual({ event_type: 'platform.access.refused', result: 'refused' });
    const allowed = await platformKey(broker(), [may]);
    expect([401, 403]).not.toContain((await callWith(allowed.headers.authorization)).status);
  });
}
