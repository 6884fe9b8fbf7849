import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tidyStops } from '../../../src/usecases/user-keys/tidy-stops.ts';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { codesOf, keysPath, mint, newOwner, refreshed, verify } from '../../support/keys.ts';
import { query } from '../../support/query.ts';
import { misleadClock, secondMs } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const run = (text: string) => query(broker.config.DATABASE_URL, text);
const revokeUser = (userId: string, options = {}) =>
  broker.call(`DELETE ${keysPath}/user/${userId}`, options);

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
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });
});

describe('422', () => {
  test.each(['-usr', 'u'.repeat(129), 'a%2Fb', 'a%00'])('the user %s is refused', async (userId) => {
    expectViolations(await revokeUser(userId), 'user_id');
  });

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
    expect(await codesOf(broker, [old, active, prod, elsewhere])).toEqual(Array(4).fill('REVOKED'));
    expect(await codesOf(broker, [other])).toEqual(['VALID']);
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
    expect(await codesOf(broker, [mine, foreign])).toEqual(['REVOKED', 'VALID']);
  });

  test('more keys than one transaction revokes go at once, and each has its event when the rows are tidied', async () => {
    const { user_id, key } = await mint(broker);
    const count = 6_200;
    await run(`
      INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
        scopes, created_at, updated_at)
      SELECT id, id, 'p1', id::bytea, 'fl_user_test_many', '${user_id}', 'org_' || id, 'test', '{}', '{}', now(), now()
      FROM (SELECT 'flk_many' || lpad(number::text, 14, '0') AS id FROM generate_series(1, ${count}) AS number) AS ids`);
    const answer = await revokeUser(user_id);
    expect(answer).toMatchObject({
      status: 200,
      body: { revoked_count: count + 1, propagation: 'complete' },
    });
    expect((await verify(broker, key)).code).toBe('REVOKED');
    await tidyStops(broker);
    const [counts] = await run(`
      SELECT count(*) FILTER (WHERE key.status = 'active')::int AS active, count(event.target_id)::int AS audited,
        count(change.subject_id)::int AS told
      FROM api_keys key
      LEFT JOIN audit_events event ON event_type = 'key.revoked' AND target_id = key.id
      LEFT JOIN key_changes change ON subject_id = key.id AND change.revision = key.revision
      WHERE user_id = '${user_id}'`);
    expect(counts).toEqual({ active: 0, audited: count + 1, told: 500 });
    const entries = await run(`SELECT kind FROM key_changes WHERE subject_id = '${user_id}'`);
    expect(entries).toEqual([{ kind: 'stop_user' }]);
  });
});

describe('a server whose clock is ahead', () => {
  test('spares no key: what seems expired is ended for good', async () => {
    const { user_id, key } = await mint(broker, { ttl_seconds: 60 });
    const correct = misleadClock(broker, 61 * secondMs);
    expect((await verify(broker, key)).code).toBe('EXPIRED');
    expect((await revokeUser(user_id)).body).toMatchObject({ revoked_count: 0, propagation: 'complete' });
    correct();
    expect((await verify(broker, key)).code).toBe('REVOKED');
  });

  test('takes nothing away: no mint ends a key that only seems expired', async () => {
    const owner = await mint(broker, { ttl_seconds: 60 });
    const correct = misleadClock(broker, 61 * secondMs);
    const { user_id, organization_id } = owner;
    const again = await broker.call(`POST ${keysPath}`, { body: { user_id, organization_id } });
    expectError(again, 409, 'KEY_ALREADY_EXISTS');
    correct();
    expect((await verify(broker, owner.key)).code).toBe('VALID');
  });
});
