import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { codesOf, keysPath, mint, newOwner, type Owner, refreshed } from '../../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const revokeAll = (owner: Owner, query = '', options = {}) =>
  broker.call(`DELETE ${keysPath}/${owner.user_id}/${owner.organization_id}${query}`, options);

testAccess(() => broker, `DELETE ${keysPath}/usr_x/org_x`, 'keys:revoke');

describe('404', () => {
  test('a user who never had a key there is not found, nor one who never had one in that environment', async () => {
    const owner = await mint(broker);
    expectError(await revokeAll(newOwner()), 404, 'KEY_NOT_FOUND');
    expectError(await revokeAll({ ...owner, organization_id: 'org_other' }), 404, 'KEY_NOT_FOUND');
    expectError(await revokeAll(owner, '?environment=prod'), 404, 'KEY_NOT_FOUND');
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });

  test('keys outside the allow-lists look exactly like none, and go on living', async () => {
    const owner = await mint(broker);
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await revokeAll(newOwner(), '', { as });
      expect(bytesOf(await revokeAll(owner, '', { as }))).toBe(bytesOf(missing));
    }
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });
});

describe('422', () => {
  test.each<[string, string]>([
    ['user_id', `${keysPath}/us%20er/org_1`],
    ['org_id', `${keysPath}/usr_1/-org`],
    ['environment', `${keysPath}/usr_1/org_1?environment=PROD`],
    ['environment', `${keysPath}/usr_1/org_1?environment=a&environment=b`],
    ['environment', `${keysPath}/usr_1/org_1?environment=`],
    ['', `${keysPath}/usr_1/org_1?env=prod`],
  ])('%s is refused in %s', async (path, address) => {
    expectViolations(await broker.call(`DELETE ${address}`), path);
  });
});

describe('success', () => {
  test('the keys of every environment go, those in grace included; again is 0', async () => {
    const owner = newOwner();
    const old = await mint(broker, owner);
    const active = await refreshed(broker, owner, { grace_period_seconds: 600 });
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    const answer = await revokeAll(owner);
    expect(await codesOf(broker, [old, active, prod])).toEqual(['REVOKED', 'REVOKED', 'REVOKED']);
    expect(answer).toMatchObject({ status: 200, body: { success: true, revoked_count: 3 } });
    expect(answer.body.propagation).toBe('complete');
    expect(await revokeAll(owner)).toMatchObject({ status: 200, body: { revoked_count: 0 } });
  });

  test('a named environment narrows', async () => {
    const owner = newOwner();
    const here = await mint(broker, owner);
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    expect((await revokeAll(owner, '?environment=prod')).body.revoked_count).toBe(1);
    expect(await codesOf(broker, [here, prod])).toEqual(['VALID', 'REVOKED']);
  });

  test('other users of the organization and other organizations of the user are left alone', async () => {
    const owner = await mint(broker);
    const colleague = await mint(broker, { organization_id: owner.organization_id });
    const elsewhere = await mint(broker, { user_id: owner.user_id });
    await revokeAll(owner);
    expect(await codesOf(broker, [owner, colleague, elsewhere])).toEqual(['REVOKED', 'VALID', 'VALID']);
  });

  test('a master key for one environment revokes only there', async () => {
    const owner = newOwner();
    const here = await mint(broker, owner);
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    const { secret: as } = await broker.createMasterKey({ environments: ['prod'] });
    expect((await revokeAll(owner, '', { as })).body.revoked_count).toBe(1);
    expect(await codesOf(broker, [here, prod])).toEqual(['VALID', 'REVOKED']);
  });

  test('a revoked user can be given a new key', async () => {
    const owner = await mint(broker);
    await revokeAll(owner);
    const { user_id, organization_id } = owner;
    const next = await mint(broker, { user_id, organization_id });
    expect(await codesOf(broker, [owner, next])).toEqual(['REVOKED', 'VALID']);
  });
});
