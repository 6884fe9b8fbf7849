import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { keysPath, type Minted, mint, newOwner, refreshed, verify } from '../../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const revokeUser = (userId: string, options = {}) =>
  broker.call(`DELETE ${keysPath}/user/${userId}`, options);
const codesOf = (keys: Minted[]) =>
  Promise.all(keys.map(async ({ key }) => (await verify(broker, key)).code as string));

testAccess(() => broker, `DELETE ${keysPath}/user/usr_x`, 'keys:revoke');

describe('404', () => {
  test('a user who never had a key is not found', async () => {
    expectError(await revokeUser(newOwner().user_id), 404, 'USER_NOT_FOUND');
  });

  test('a user whose keys all lie outside the allow-lists looks exactly like none', async () => {
    const owner = await mint(broker);
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await revokeUser(newOwner().user_id, { as });
      expect(bytesOf(await revokeUser(owner.user_id, { as }))).toBe(bytesOf(missing));
    }
    expect(await codesOf([owner])).toEqual(['VALID']);
  });
});

describe('422', () => {
  test.each(['user', 'verify', '-usr', 'u'.repeat(129), 'a%2Fb', 'a%00'])(
    'the user %s is refused',
    async (userId) => {
      expectViolations(await revokeUser(userId), 'user_id');
    },
  );

  test('a query is refused: the environment cannot narrow this call', async () => {
    expectViolations(await revokeUser('usr_x?environment=prod'), '');
  });
});

describe('success', () => {
  test('the keys of the user go in every organization and environment at once; again is 0', async () => {
    const { user_id, organization_id } = newOwner();
    const old = await mint(broker, { user_id, organization_id });
    const active = await refreshed(broker, { user_id, organization_id }, { grace_period_seconds: 600 });
    const prod = await mint(broker, { user_id, organization_id, environment: 'prod' });
    const elsewhere = await mint(broker, { user_id });
    const other = await mint(broker, { organization_id });
    const answer = await revokeUser(user_id);
    expect(await codesOf([old, active, prod, elsewhere])).toEqual(Array(4).fill('REVOKED'));
    expect(await codesOf([other])).toEqual(['VALID']);
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, revoked_count: 4, propagation: 'complete' },
    });
    expect(await revokeUser(user_id)).toMatchObject({ status: 200, body: { revoked_count: 0 } });
    const events = await auditEventsOf(broker, { targetId: elsewhere.key_id });
    expect(events.map((event) => event.event_type)).toEqual(['key.minted', 'key.revoked']);
  });

  test('a master key for some organizations takes only the keys that it can see', async () => {
    const mine = await mint(broker);
    const foreign = await mint(broker, { user_id: mine.user_id });
    const { secret: as } = await broker.createMasterKey({ organizationIds: [mine.organization_id] });
    expect((await revokeUser(mine.user_id, { as })).body.revoked_count).toBe(1);
    expect(await codesOf([mine, foreign])).toEqual(['REVOKED', 'VALID']);
  });
});
