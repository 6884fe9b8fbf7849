import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bootstrapped, goodPassword, type LoggedIn } from '../../support/platform-users.ts';

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
    .select('details')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  expect(event.details).toEqual({
    session_id: session.id,
    address: '127.0.0.1',
    user_agent: 'terminal/1.0',
    method: 'password',
  });
});
