import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { type MasterKeyPermission, masterKeyPermissions } from '../../src/domain/permission.ts';
import type { TestBroker } from './broker.ts';
import { bytesOf, expectError } from './errors.ts';
import { mint } from './keys.ts';

/** Tests authentication and authorization of a route. */
export function testAccess(broker: () => TestBroker, operation: string, permission: MasterKeyPermission) {
  test('401: no, unknown, expired and out-of-place credentials are refused all alike', async () => {
    const expired = await broker().createMasterKey({ expiresAt: new Date(Date.now() - 1) });
    const elsewhere = await broker().createMasterKey({ ipAllowlist: ['10.0.0.0/8'] });
    const { key } = await mint(broker());
    const refused = await broker().call(operation, { as: null });
    expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
    expect(refused.headers.get('www-authenticate')).toContain('FlowplateMasterKey');
    for (const as of [
      '',
      'x',
      newSecret('master', 'test', randomBytes),
      expired.secret,
      elsewhere.secret,
      key,
    ]) {
      expect(bytesOf(await broker().call(operation, { as }))).toBe(bytesOf(refused));
    }
  });

  test(`403: a master key without ${permission} is refused, one with nothing else is not`, async () => {
    const others = masterKeyPermissions.filter((held) => held !== permission);
    const without = await broker().createMasterKey({ permissions: others });
    const only = await broker().createMasterKey({ permissions: [permission] });
    const refused = await broker().call(operation, { as: without.secret });
    const details = expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS');
    expect(details).toEqual({ required_permission: permission });
    expect([401, 403]).not.toContain((await broker().call(operation, { as: only.secret })).status);
  });
}
