import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';
import {
  bootstrapped,
  goodPassword,
  type LoggedIn,
  logIn,
  platformUser,
} from '../../support/platform-users.ts';
import { walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
let root: LoggedIn;

beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});

afterAll(() => broker.close());

test('a session keeps how it began, and the audit event says it', async () => {
  const body = { email: root.email, password: goodPassword };
  const headers = { 'user-agent': 'terminal/1.0' };
  await broker.call('POST /api/v1/platform/auth/login', { as: null, headers, body });
  const session = await broker.db
    .selectFrom('platform_sessions')
    .selectAll()
    .orderBy('created_at', 'desc')
    .executeTakeFirstOrThrow();
  expect(session).toMatchObject({
    method: 'password',
    second_factor: null,
    address: '127.0.0.1',
    user_agent: 'terminal/1.0',
    confirmed_at: session.created_at,
  });
  const event = await broker.db
    .selectFrom('audit_events')
    .select(['details', 'client_address'])
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  expect(event.details).toEqual({
    session_id: session.id,
    user_agent: 'terminal/1.0',
    method: 'password',
  });
  expect(event.client_address).toBe('127.0.0.1');
});

const own = '/api/v1/platform/auth/sessions';

const call = (operation: string, { headers }: { headers: Record<string, string> }) =>
  broker.call(operation, { as: null, headers });
const idOf = async (user: LoggedIn): Promise<string> => {
  const sessions = (await call(`GET ${own}`, user)).body as { id: string; current: boolean }[];
  return sessions.find(({ current }) => current)?.id ?? '';
};

test('a user lists their own living sessions alone, newest first, and pages through them', async () => {
  const first = await platformUser(broker, root);
  const second = await logIn(broker, first.email);
  const { status, body } = await call(`GET ${own}`, first);
  expect(status).toBe(200);
  expect(body.map(({ current }: { current: boolean }) => current)).toEqual([false, true]);
  expect(body[0]).toEqual({
    id: await idOf(second),
    created_at: expect.any(String),
    expires_at: expect.any(String),
    method: 'password',
    second_factor: null,
    address: '127.0.0.1',
    user_agent: null,
    current: false,
  });
  const page = await call(`GET ${own}?limit=1`, first);
  expect(page.body).toHaveLength(1);
  const [, next = ''] = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '') ?? [];
  expect((await call(`GET ${next}`, first)).body[0]).toMatchObject({ current: true });
  walkClock(broker, 25 * 60 * 60_000);
  const later = await logIn(broker, first.email);
  expect((await call(`GET ${own}`, later)).body).toHaveLength(1);
});

test('one of them ends at once, and that is written down', async () => {
  const user = await platformUser(broker, root);
  const other = await logIn(broker, user.email);
  const id = await idOf(other);
  expect((await call(`DELETE ${own}/${id}`, user)).body).toEqual({ success: true });
  expectError(await call(`GET ${own}`, other), 401, 'AUTHENTICATION_REQUIRED');
  expect((await call(`GET ${own}`, user)).body).toHaveLength(1);
  const [event] = (await auditEventsOf(broker, { targetId: user.id })).slice(-1);
  expect(event).toMatchObject({
    event_type: 'platform.session.ended',
    actor_id: user.id,
    details: { session_id: id },
  });
});

test("another user's session, one that has ended and one that never was are 404 alike", async () => {
  const user = await platformUser(broker, root);
  const foreign = await call(`DELETE ${own}/${await idOf(root)}`, user);
  const missing = await call(`DELETE ${own}/sess_000000000000`, user);
  expectError(foreign, 404, 'SESSION_NOT_FOUND');
  expect(bytesOf(foreign)).toBe(bytesOf(missing));
  const ended = await logIn(broker, user.email);
  const id = await idOf(ended);
  await call(`DELETE ${own}/${id}`, user);
  expect(bytesOf(await call(`DELETE ${own}/${id}`, user))).toBe(bytesOf(missing));
  expect((await call(`GET ${own}`, root)).status).toBe(200);
});

test('all others end together, this one stays, and so do those of other users', async () => {
  const user = await platformUser(broker, root);
  const others = [await logIn(broker, user.email), await logIn(broker, user.email)];
  expect((await call(`DELETE ${own}`, user)).body).toEqual({ success: true, ended_count: 2 });
  for (const other of others) expect((await call(`GET ${own}`, other)).status).toBe(401);
  expect((await call(`GET ${own}`, user)).body).toMatchObject([{ current: true }]);
  expect((await call(`GET ${own}`, root)).status).toBe(200);
});

test('a platform key has no sessions: an empty list, and none to end', async () => {
  const key = await platformKey(broker);
  expect((await call(`GET ${own}`, key)).body).toEqual([]);
  expectError(await call(`DELETE ${own}`, key), 404, 'SESSION_NOT_FOUND');
  expectError(await call(`DELETE ${own}/${await idOf(root)}`, key), 404, 'SESSION_NOT_FOUND');
});
