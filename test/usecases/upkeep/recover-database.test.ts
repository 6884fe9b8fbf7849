import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listKeyChangesAfter } from '../../../src/stores/postgres/verifiers/change-feed.ts';
import { recoverDatabase } from '../../../src/usecases/upkeep/recover-database.ts';
import { callAs, codeOf, createApiUser, firstApiAdmin, type TestApiUser } from '../../support/api-users.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker, testOrigin } from '../../support/broker.ts';
import { eventually } from '../../support/eventually.ts';

let broker: TestBroker;
let admin: TestApiUser;
beforeAll(async () => {
  broker = await startBroker();
  admin = await firstApiAdmin(broker);
});
afterAll(() => broker.close());

/** The user and its key as they were, as in a backup that was restored. */
async function bringBack({ id }: TestApiUser) {
  await sql`UPDATE api_users SET role = 'admin' WHERE id = ${id}`.execute(broker.db);
  await sql`UPDATE api_keys SET revision = 1, enabled = true WHERE user_id = ${id}`.execute(broker.db);
}

async function recover() {
  const changes = await listKeyChangesAfter(broker.db, 0, 1_000);
  const lastSeq = changes.at(-1)?.seq ?? 0;
  const forgotten = { changes, userIds: [], roleIds: [], lastSeq, acceptedLoss: null };
  return recoverDatabase(broker.api.parts, testOrigin, forgotten);
}

test('an API user whose role was taken after the backup is switched off, and its key is void until it is rotated', async () => {
  const call = callAs(broker, admin);
  const demoted = await createApiUser(broker, admin, { role: 'admin' });
  const promoted = await createApiUser(broker, admin);
  expect((await call(`PATCH /users/${demoted.id}`, { body: { role: 'user' } })).status).toBe(200);
  expect((await call(`PATCH /users/${promoted.id}`, { body: { role: 'admin' } })).status).toBe(200);
  await bringBack(demoted);

  expect(await recover()).toMatchObject({ apiUsers: 1, keys: 0 });
  const { body } = await call(`GET /users/${demoted.id}`);
  expect(body).toMatchObject({ role: 'admin', is_active: false });
  expect((await callAs(broker, demoted)('GET /users')).status).toBe(401);
  const [event] = (await auditEventsOf(broker, { targetId: demoted.id })).slice(-1);
  expect(event).toMatchObject({
    event_type: 'api_user.updated',
    details: { is_active: false, by: 'recovery' },
  });
  expect(event?.details, 'a name of a person').not.toHaveProperty('name');

  expect((await call(`PATCH /users/${demoted.id}`, { body: { is_active: true } })).status).toBe(200);
  // The processes drop what they know of the earlier history within a second.
  await eventually(
    10_000,
    () => codeOf(broker, promoted.key),
    (code) => code === 'VALID',
  );
  expect(await codeOf(broker, demoted.key)).toBe('NOT_FOUND');
  const rotated = await call(`POST /users/${demoted.id}/rotate-key`);
  expect(await codeOf(broker, rotated.body.api_key)).toBe('VALID');
});
