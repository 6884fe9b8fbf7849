import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atEnd, endAll } from '../../support/at-end.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { stopClock, walkClock } from '../../support/walk-clock.ts';

const devicePath = '/api/v1/platform/auth/device';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker({ TRUSTED_PROXIES: '127.0.0.0/8' });
  atEnd(() => broker.close());
  root = await bootstrapped(broker);
});
afterAll(endAll);

let networks = 0;

/** A program somewhere that asks for a log-in. */
async function start(address = `198.51.100.${++networks}`, at = broker) {
  const headers = { 'x-forwarded-for': address, 'user-agent': 'flowplate/9 (test)' };
  const answer = await at.call(`POST ${devicePath}`, { as: null, headers });
  return { status: answer.status, ...answer.body, answer, address };
}

const poll = (device_code: string, at = broker) =>
  at.call(`POST ${devicePath}/token`, { as: null, body: { device_code } });

/** The headers of the portal's own page, logged in as this user. */
async function portalOf(email: string): Promise<Record<string, string>> {
  const page = { 'x-flowplate-portal': '1', origin: broker.url };
  const body = { email, password: goodPassword };
  const answer = await broker.call('POST /api/v1/platform/session', { as: null, headers: page, body });
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  return { ...page, cookie };
}

const lookUp = (headers: Record<string, string>, user_code: string) =>
  broker.call(`POST ${devicePath}/lookup`, { as: null, headers, body: { user_code } });
const answerTo = (headers: Record<string, string>, user_code: string, approve = true) =>
  broker.call(`POST ${devicePath}/answer`, { as: null, headers, body: { user_code, approve } });
const me = (token: string) =>
  broker.call('GET /api/v1/platform/auth/me', { as: null, headers: { authorization: `Bearer ${token}` } });

test('a program gets its token once a person has approved, as that person', async () => {
  const user = await platformUser(broker, root, ['role_platform_viewer']);
  const started = await start();
  expect(started).toMatchObject({
    status: 201,
    verification_uri: '/platform/device',
    expires_in: 600,
    interval: 5,
  });
  expect(started.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  expect(started.answer.headers.get('cache-control')).toBe('no-store');
  expectError(await poll(started.device_code), 400, 'AUTHORIZATION_PENDING');
  const portal = await portalOf(user.email);
  const typed = started.user_code.toLowerCase().replace('-', ' ');
  expect((await lookUp(portal, typed)).body).toMatchObject({
    address: started.address,
    user_agent: 'flowplate/9 (test)',
  });
  expect((await answerTo(portal, typed)).status).toBe(200);
  const { status, body } = await poll(started.device_code);
  expect(status).toBe(200);
  expect(body.user.id).toBe(user.id);
  expect((await me(body.token)).body.id).toBe(user.id);
  expectError(await poll(started.device_code), 400, 'DEVICE_CODE_EXPIRED');
  const sessions = await broker.db
    .selectFrom('platform_sessions')
    .select('method')
    .where('user_id', '=', user.id)
    .execute();
  expect(sessions.map(({ method }) => method).sort()).toEqual(['device', 'password', 'password']);
  const events = await auditEventsOf(broker, { targetId: user.id });
  expect(events.filter(({ event_type }) => event_type === 'platform.device.approved')).toMatchObject([
    { actor_id: user.id, details: { user_agent: 'flowplate/9 (test)' } },
  ]);
  expect(JSON.stringify(events.map(({ details }) => details))).not.toContain(started.address);
  expect(events.some(({ details }) => (details as { method?: string }).method === 'device')).toBe(true);
});

test('of many polls at once exactly one gets the token', async () => {
  const portal = await portalOf(root.email);
  for (let round = 0; round < 5; round++) {
    const { device_code, user_code } = await start();
    await answerTo(portal, user_code);
    const polls = await Promise.all(Array.from({ length: 6 }, () => poll(device_code)));
    expect(polls.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
  }
});

test('of two answers at once exactly one counts', async () => {
  const portal = await portalOf(root.email);
  for (let round = 0; round < 5; round++) {
    const { device_code, user_code } = await start();
    const answers = await Promise.all([answerTo(portal, user_code), answerTo(portal, user_code, false)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    const isApproved = answers[0]?.status === 200;
    expect((await poll(device_code)).status).toBe(isApproved ? 200 : 403);
  }
});

test('a log-in that was denied ends, and that is written down', async () => {
  const user = await platformUser(broker, root);
  const { device_code, user_code } = await start();
  expect((await answerTo(await portalOf(user.email), user_code, false)).status).toBe(200);
  expectError(await poll(device_code), 403, 'DEVICE_LOGIN_DENIED');
  expectError(await poll(device_code), 400, 'DEVICE_CODE_EXPIRED');
  const events = await auditEventsOf(broker, { targetId: user.id });
  expect(events.map(({ event_type }) => event_type)).toContain('platform.device.denied');
});

describe('a program', () => {
  test('that polls too often is told to slow down, more each time', async () => {
    const { device_code, user_code } = await start();
    stopClock(broker);
    expectError(await poll(device_code), 400, 'AUTHORIZATION_PENDING');
    expectError(await poll(device_code), 400, 'SLOW_DOWN');
    walkClock(broker, 6_000);
    expectError(await poll(device_code), 400, 'SLOW_DOWN');
    walkClock(broker, 16_000);
    expectError(await poll(device_code), 400, 'AUTHORIZATION_PENDING');
    await answerTo(await portalOf(root.email), user_code);
    expect((await poll(device_code)).status).toBe(200);
  });

  test('with an unknown code, and one that is too old, gets the same answer', async () => {
    const { device_code, user_code } = await start();
    const portal = await portalOf(root.email);
    walkClock(broker, 10 * 60_000 + 1_000);
    const old = await poll(device_code);
    expectError(old, 400, 'DEVICE_CODE_EXPIRED');
    expect(bytesOf(await poll('A'.repeat(40)))).toBe(bytesOf(old));
    expectError(await answerTo(portal, user_code), 404, 'DEVICE_CODE_NOT_FOUND');
  });

  test('does not ask more than ten times at once from one network, and others still may', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 11; index++) statuses.push((await start('203.0.113.200')).status);
    expect(statuses).toEqual([...Array(10).fill(201), 429]);
    expect((await start('203.0.113.201')).status).toBe(201);
  });

  test('cannot approve itself: not with a token, a platform key, or from another page', async () => {
    const { device_code, user_code } = await start();
    const { headers: byKey } = await platformKey(broker);
    const { cookie = '', ...page } = await portalOf(root.email);
    for (const headers of [root.headers, byKey, { ...root.headers, ...page }]) {
      expectError(await answerTo(headers, user_code), 403, 'INSUFFICIENT_PERMISSIONS');
      expectError(await lookUp(headers, user_code), 403, 'INSUFFICIENT_PERMISSIONS');
    }
    for (const headers of [{}, { cookie }, { cookie, ...page, 'sec-fetch-site': 'cross-site' }]) {
      expectError(await answerTo(headers, user_code), 401, 'AUTHENTICATION_REQUIRED');
    }
    expect((await poll(device_code)).status).toBe(400);
  });

  test('that was logged in like this approves no other, even with its token as a cookie', async () => {
    const first = await start();
    await answerTo(await portalOf(root.email), first.user_code);
    const { token } = (await poll(first.device_code)).body;
    const { user_code } = await start();
    const headers = { 'x-flowplate-portal': '1', origin: broker.url, cookie: `flowplate=${token}` };
    expectError(await answerTo(headers, user_code), 403, 'INSUFFICIENT_PERMISSIONS');
  });
});

test('an approval needs a session that was confirmed lately, and makes none fresher', async () => {
  const user = await platformUser(broker, root);
  const portal = await portalOf(user.email);
  const confirmedAt = (at: number) =>
    broker.db
      .updateTable('platform_sessions')
      .set({ confirmed_at: new Date(at) })
      .where('user_id', '=', user.id)
      .execute();
  const { device_code, user_code } = await start();
  await confirmedAt(Date.now() - 11 * 60_000);
  expectError(await answerTo(portal, user_code), 403, 'STEP_UP_REQUIRED');
  const nineMinutesAgo = Date.now() - 9 * 60_000;
  await confirmedAt(nineMinutesAgo);
  expect((await answerTo(portal, user_code)).status).toBe(200);
  expect((await poll(device_code)).status).toBe(200);
  const made = await broker.db
    .selectFrom('platform_sessions')
    .select('confirmed_at')
    .where('user_id', '=', user.id)
    .where('method', '=', 'device')
    .executeTakeFirst();
  expect(made?.confirmed_at?.getTime()).toBe(nineMinutesAgo);
});

describe('an approval ends with the session that gave it', () => {
  const endings: Array<[string, (user: LoggedIn, portal: Record<string, string>) => Promise<unknown>]> = [
    [
      'the person logs out',
      (_user, portal) =>
        broker.call('POST /api/v1/platform/auth/logout', { as: null, headers: portal, body: {} }),
    ],
    [
      'the account is deactivated',
      ({ id }) =>
        broker.call(`PUT /api/v1/platform/users/${id}`, {
          as: null,
          headers: root.headers,
          body: { is_active: false },
        }),
    ],
    [
      'the account is deleted',
      ({ id }) => broker.call(`DELETE /api/v1/platform/users/${id}`, { as: null, headers: root.headers }),
    ],
  ];
  test.each(endings)('%s', async (_how, end) => {
    const user = await platformUser(broker, root);
    const { device_code, user_code } = await start();
    const portal = await portalOf(user.email);
    await answerTo(portal, user_code);
    await end(user, portal);
    expectError(await poll(device_code), 400, 'DEVICE_CODE_EXPIRED');
  });
});

test('guesses of codes are throttled, for all sessions of an account together', async () => {
  const user = await platformUser(broker, root);
  const [one, other] = [await portalOf(user.email), await portalOf(user.email)];
  const { user_code } = await start();
  stopClock(broker);
  for (let guess = 0; guess < 6; guess++) {
    const headers = guess % 2 === 0 ? one : other;
    expectError(await lookUp(headers, guess < 3 ? 'BBBB-BBBB' : 'no code'), 404, 'DEVICE_CODE_NOT_FOUND');
  }
  expectError(await lookUp(one, user_code), 429, 'TOO_MANY_ATTEMPTS');
  expectError(await answerTo(other, user_code), 429, 'TOO_MANY_ATTEMPTS');
  expect((await lookUp(await portalOf(root.email), user_code)).status).toBe(200);
});

test('codes are stored as keyed hashes, and are in no log', async () => {
  const { device_code, user_code } = await start();
  const rows = await broker.db.selectFrom('device_logins').selectAll().execute();
  const text =
    rows.map((row) => Object.values(row).map(String).join(' ')).join('\n') + broker.logLines.join('');
  for (const code of [device_code, user_code, user_code.replace('-', '')]) expect(text).not.toContain(code);
});
