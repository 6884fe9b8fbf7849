import { afterAll, beforeAll, expect, test } from 'vitest';
import { callAs as callAsApiUser, createApiUser, firstApiAdmin } from '../../support/api-users.ts';
import { seal } from '../../support/audit-chain.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, tryLogIn } from '../../support/platform-users.ts';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

const asRoot = (operation: string, body?: object) =>
  broker.call(operation, { as: null, headers: root.headers, ...(body !== undefined && { body }) });

/** Names and addresses that occur nowhere else. */
const jane = { name: 'Jane Quibblethorpe', email: 'jane@quibble.example' };
const renamed = { name: 'Jane Zandervleet', email: 'zander@quibble.example' };
const traces = /quibble|zander/i;

async function createJane(): Promise<string> {
  const { body } = await asRoot('POST /api/v1/platform/users', {
    ...jane,
    password: goodPassword,
    role_ids: ['role_platform_viewer'],
  });
  return body.id;
}

test('404 for an id that never was a user’s; 422 for one that cannot be; 409 while the user exists', async () => {
  const path = '/api/v1/platform/people';
  for (const method of ['GET', 'DELETE']) {
    const unknown = await asRoot(`${method} ${path}/puser_AAAAAAAAAAAAAAAAAAAAAA`);
    expect([unknown.status, unknown.body.error.code]).toEqual([404, 'PERSON_NOT_FOUND']);
    expect((await asRoot(`${method} ${path}/role_platform_viewer`)).status).toBe(422);
  }
  const living = await asRoot(`DELETE ${path}/${root.id}`);
  expect([living.status, living.body.error.code]).toEqual([409, 'PERSON_IN_USE']);
  expect((await asRoot(`GET ${path}/${root.id}`)).body).toMatchObject({ name: 'Root', ended_at: null });
});

test('no event has a name or an address of a person, and erasing a deleted one leaves the chain valid', async () => {
  const id = await createJane();
  await asRoot(`PUT /api/v1/platform/users/${id}`, renamed);
  await tryLogIn(broker, renamed.email, 'a wrong password');
  await tryLogIn(broker, renamed.email);
  await asRoot(`POST /api/v1/platform/users/${id}/reset-password`, { password: `${goodPassword}!` });
  await asRoot(`DELETE /api/v1/platform/users/${id}`);

  const admin = await firstApiAdmin(broker);
  const { id: apiUser } = await createApiUser(broker, admin, jane);
  await callAsApiUser(broker, admin)(`PATCH /users/${apiUser}`, { body: renamed });
  await callAsApiUser(broker, admin)(`POST /users/${apiUser}/rotate-key`);
  await callAsApiUser(broker, admin)(`DELETE /users/${apiUser}`);

  const events = await broker.db.selectFrom('audit_events').selectAll().execute();
  const about = events.filter(({ target_id }) => target_id === id || target_id === apiUser);
  expect(new Set(about.map(({ event_type }) => event_type))).toEqual(
    new Set([
      ...['platform.user.created', 'platform.user.updated', 'platform.user.password_changed'],
      ...['platform.login.refused', 'platform.login.succeeded', 'platform.user.deleted'],
      ...['api_user.created', 'api_user.updated', 'api_user.key_rotated', 'api_user.deleted'],
    ]),
  );
  expect(events.filter((event) => traces.test(JSON.stringify(event)))).toEqual([]);

  const logIns = events.filter(({ event_type }) => event_type.startsWith('platform.login.'));
  const ofJane = logIns.filter(({ target_id }) => target_id === id);
  expect(ofJane.map(({ client_address }) => client_address)).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(JSON.stringify(ofJane.map(({ details }) => details))).not.toContain('127.0.0.1');
  for (const person of [id, apiUser]) {
    expect((await asRoot(`GET /api/v1/platform/people/${person}`)).body).toMatchObject(renamed);
    expect((await asRoot(`GET /api/v1/platform/names?ids=${person}`)).body.data[0].name).toBe(renamed.name);
    expect((await asRoot(`DELETE /api/v1/platform/people/${person}`)).status).toBe(200);
    expect((await asRoot(`GET /api/v1/platform/people/${person}`)).body).toMatchObject({
      name: null,
      email: null,
      erased_at: expect.any(String),
    });
    expect((await asRoot(`GET /api/v1/platform/names?ids=${person}`)).body.data[0].name).toBe(
      'erased person',
    );
    expect((await asRoot(`DELETE /api/v1/platform/people/${person}`)).status).toBe(200);
  }
  await seal(broker.db, broker.config.FLOWPLATE_PEPPERS);
  expect((await asRoot('GET /api/v1/platform/audit/verify')).body).toMatchObject({
    valid: true,
    unsealed: 0,
  });
  const erased = await asRoot(`GET /api/v1/platform/audit?event_type=platform.person.erased`);
  expect(erased.body.map(({ target_id }: { target_id: string }) => target_id).sort()).toEqual(
    [id, apiUser].sort(),
  );
  const emptied = broker.db
    .selectFrom('audit_events')
    .select('client_address')
    .where(({ or, eb }) =>
      or([
        eb('actor_id', '=', id),
        eb(
          'id',
          'in',
          ofJane.map((event) => event.id),
        ),
      ]),
    );
  expect(new Set((await emptied.execute()).map((row) => row.client_address))).toEqual(new Set([null]));
  const tables = await broker.db.selectFrom('people').selectAll().execute();
  expect(JSON.stringify(tables)).not.toMatch(traces);
});

test('an operator who may only read sees a person and erases none', async () => {
  const id = await createJane();
  await asRoot(`DELETE /api/v1/platform/users/${id}`);
  const admin = await platformKey(broker, ['role_platform_operator']);
  const as = { as: null, headers: admin.headers };
  expect((await broker.call(`GET /api/v1/platform/people/${id}`, as)).body).toMatchObject(jane);
  expect((await broker.call(`DELETE /api/v1/platform/people/${id}`, as)).status).toBe(403);
});
