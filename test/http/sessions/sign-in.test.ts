import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { atEnd, endAll } from '../../support/at-end.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { type ForgingProvider, startForgingProvider } from '../../support/forging-provider.ts';
import { insist } from '../../support/insist.ts';
import { bootstrapped, type LoggedIn, logIn, platformUser, tryLogIn } from '../../support/platform-users.ts';
import { startScript } from '../../support/processes.ts';
import { attemptCookie, begin, comeBack, type Led, open, reasonOf } from '../../support/sign-in.ts';
import { walkClock } from '../../support/walk-clock.ts';

const publicUrl = 'http://127.0.0.1:4000';
const secret = 'a-secret-that-is-in-no-log';

let provider: ForgingProvider;
let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  provider = await startForgingProvider();
  atEnd(() => provider.close());
  broker = await startBroker({
    PUBLIC_URL: publicUrl,
    OIDC_ISSUER: provider.url,
    OIDC_CLIENT_ID: 'flowplate',
    OIDC_CLIENT_SECRET: secret,
    OIDC_ROLES:
      'admins=role_platform_admin;viewers=role_platform_viewer;CN=ops,OU=keys=role_platform_operator',
  });
  atEnd(() => broker.close());
  root = await bootstrapped(broker);
});
afterAll(endAll);
beforeEach(() => {
  provider.next.claims = {};
  provider.next.userInfo = {};
  delete provider.next.forge;
  provider.next.isDown = false;
});

let people = 0;
/** A subject that nobody else has. */
const somebody = () => `subject-${++people}`;

/** A sign-in from begin to end, of a provider that vouches for these claims. */
async function signIn(claims: Record<string, unknown>, next?: string): Promise<Led> {
  provider.next.claims = claims;
  const { location, cookie } = await begin(broker, next);
  return comeBack(broker, provider.answer(location), cookie);
}

const me = (token: string) =>
  broker.call('GET /api/v1/platform/auth/me', { as: null, headers: { authorization: `Bearer ${token}` } });
const tokenOf = (led: Led) => led.cookies.get('flowplate') ?? '';
const userOf = async (led: Led) => (await me(tokenOf(led))).body;
const update = (id: string, body: unknown, by = root) =>
  broker.call(`PUT /api/v1/platform/users/${id}`, { as: null, headers: by.headers, body });
const lastRefusal = async () =>
  broker.db
    .selectFrom('audit_events')
    .select(['target_id', 'details', 'result'])
    .where('event_type', '=', 'platform.login.refused')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();

describe('the way to the provider', () => {
  test('asks for a code with PKCE, state and nonce, and keeps them sealed in the browser', async () => {
    const { location, setCookies, cookies } = await begin(broker);
    const asked = new URL(location);
    expect(asked.origin + asked.pathname).toBe(`${provider.url}/authorize`);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'flowplate',
      redirect_uri: `${publicUrl}/platform/sign-in/callback`,
      scope: 'openid profile email',
      code_challenge_method: 'S256',
    });
    const secrets = ['state', 'nonce', 'code_challenge'].map((name) => asked.searchParams.get(name) ?? '');
    for (const value of secrets) expect(value.length).toBeGreaterThanOrEqual(43);
    expect(setCookies[0]).toMatch(/; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
    const kept = Buffer.from(cookies.get(attemptCookie) ?? '', 'base64url').toString('latin1');
    for (const value of secrets) expect(kept).not.toContain(value);
  });

  test('is not begun by another site', async () => {
    const led = await open(broker, '/platform/sign-in', { 'sec-fetch-site': 'cross-site' });
    expect(led).toMatchObject({ status: 303, location: `${publicUrl}/platform/login`, setCookies: [] });
  });

  test('is closed with a message while the provider is down, and verification goes on', async () => {
    const early = await broker.replica();
    atEnd(() => early.close());
    provider.next.isDown = true;
    const led = await open(early, '/platform/sign-in');
    expect(led).toMatchObject({
      status: 303,
      location: `${publicUrl}/platform/login?reason=provider-unavailable`,
    });
    const verdict = await early.call('POST /v1/flowplate/api-keys/verify', { body: { key: 'x' } });
    expect(verdict.status).toBe(200);
  });
});

describe('the first sign-in', () => {
  test('makes an account without a password, with the roles of its groups, and a session', async () => {
    const sub = somebody();
    const led = await signIn({
      sub,
      name: 'Ada',
      groups: ['viewers', 'CN=ops,OU=keys', 'others'],
      email: 'ada@example.com',
      email_verified: true,
    });
    expect(led).toMatchObject({ status: 303, location: `${publicUrl}/platform/overview` });
    expect(led.setCookies.at(-1)).toMatch(/^flowplate=.*; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(led.cookies.get(attemptCookie)).toBe('');
    const user = await userOf(led);
    expect(user).toMatchObject({ name: 'Ada', role_ids: ['role_platform_operator', 'role_platform_viewer'] });
    const shown = await broker.call(`GET /api/v1/platform/users/${user.id}`, {
      as: null,
      headers: root.headers,
    });
    expect(shown.body).toMatchObject({
      email: 'ada@example.com',
      sign_in: 'provider',
      is_break_glass: false,
    });
    expect(shown.body.last_login_at).not.toBeNull();
    const events = await auditEventsOf(broker, { targetId: user.id });
    const told = events.map(({ event_type, actor_kind, details }) => ({ event_type, actor_kind, details }));
    expect(told).toHaveLength(2);
    expect(told).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event_type: 'platform.user.created', actor_kind: 'system' }),
        {
          event_type: 'platform.login.succeeded',
          actor_kind: 'platform_user',
          details: expect.objectContaining({ method: 'oidc' }),
        },
      ]),
    );
  });

  test('takes one group that is a text, and groups of the userinfo endpoint', async () => {
    expect(await userOf(await signIn({ sub: somebody(), groups: 'viewers' }))).toMatchObject({
      role_ids: ['role_platform_viewer'],
    });
    const sub = somebody();
    provider.next.userInfo = { sub, groups: ['viewers'] };
    expect(await userOf(await signIn({ sub, groups: undefined }))).toMatchObject({
      role_ids: ['role_platform_viewer'],
    });
  });

  test.each([
    ['no groups', undefined],
    ['other groups', ['others']],
    ['a text that only holds the name of a group', 'admins viewers'],
    ['groups that are no names', [{ name: 'admins' }, 1, null]],
    ['an object in place of groups', { admins: true }],
  ])('is refused with %s, which is written down', async (_what, groups) => {
    const led = await signIn({ sub: somebody(), groups });
    expect(reasonOf(led)).toBe('provider-no-role');
    expect(led.cookies.has('flowplate')).toBe(false);
    expect(await lastRefusal()).toMatchObject({ result: 'refused', details: { code: 'no-role' } });
  });

  test('never takes over an account that has the e-mail address already', async () => {
    const local = await platformUser(broker, root);
    const led = await signIn({ sub: somebody(), email: local.email.toUpperCase(), email_verified: true });
    expect(reasonOf(led)).toBe('provider-email-taken');
    expect(led.cookies.has('flowplate')).toBe(false);
    expect((await tryLogIn(broker, local.email)).status).toBe(200);
  });

  test('takes an e-mail address only when the provider has verified it', async () => {
    const local = await platformUser(broker, root);
    for (const email_verified of [undefined, false, 'true']) {
      const user = await userOf(await signIn({ sub: somebody(), email: local.email, email_verified }));
      const shown = await broker.call(`GET /api/v1/platform/users/${user.id}`, {
        as: null,
        headers: root.headers,
      });
      expect(shown.body.email).toBe(`${user.id}@unverified.invalid`);
    }
  });

  test('makes one account when several arrive at once, over two replicas', async () => {
    const replica = await broker.replica();
    atEnd(() => replica.close());
    const sub = somebody();
    provider.next.claims = { sub };
    const at = [broker, replica, broker, replica];
    const halves = await Promise.all(at.map(async (each) => ({ at: each, ...(await begin(each)) })));
    const ends = await Promise.all(
      halves.map((half, index) =>
        comeBack(half.at, provider.answer(half.location, `code-${index}`), half.cookie),
      ),
    );
    // A busy database may refuse one, and then nothing of it has happened.
    const admitted = ends.filter(({ status }) => status !== 503);
    for (const led of admitted) expect(led.location).toBe(`${publicUrl}/platform/overview`);
    const { rows } = await sql<{ target_id: string }>`
      SELECT target_id FROM audit_events JOIN platform_identities ON user_id = target_id
      WHERE event_type = 'platform.user.created' AND subject = ${sub}`.execute(broker.db);
    expect(rows).toHaveLength(1);
    for (const led of admitted) {
      expect((await insist(() => me(tokenOf(led)))).body.id).toBe(rows[0]?.target_id);
    }
  });
});

describe('a later sign-in', () => {
  test('finds the account by subject, and sets roles, name and address anew', async () => {
    const sub = somebody();
    const first = await userOf(await signIn({ sub, groups: ['admins'], name: 'Eve' }));
    const second = await userOf(
      await signIn({ sub, groups: ['viewers'], name: 'Eva', email: 'eva@example.com', email_verified: true }),
    );
    expect(second).toMatchObject({ id: first.id, name: 'Eva', role_ids: ['role_platform_viewer'] });
    const events = await auditEventsOf(broker, { targetId: first.id });
    expect(events.find(({ event_type }) => event_type === 'platform.user.updated')?.details).toEqual({
      by: 'identity provider',
      changed: ['email', 'name'],
      role_ids: ['role_platform_viewer'],
    });
  });

  test('without a mapped group ends every session at once, and takes the roles until one is back', async () => {
    const sub = somebody();
    const led = await signIn({ sub });
    const { id } = await userOf(led);
    expect(reasonOf(await signIn({ sub, groups: ['others'] }))).toBe('provider-no-role');
    expectError(await me(tokenOf(led)), 401, 'AUTHENTICATION_REQUIRED');
    const shown = await broker.call(`GET /api/v1/platform/users/${id}`, { as: null, headers: root.headers });
    expect(shown.body).toMatchObject({ role_ids: [], is_active: true });
    expect((await userOf(await signIn({ sub, groups: ['viewers'] }))).id).toBe(id);
  });

  test('of an account that was deactivated is refused', async () => {
    const sub = somebody();
    const led = await signIn({ sub });
    const { id } = await userOf(led);
    expect((await update(id, { is_active: false })).status).toBe(200);
    expectError(await me(tokenOf(led)), 401, 'AUTHENTICATION_REQUIRED');
    expect(reasonOf(await signIn({ sub }))).toBe('provider-inactive');
    expect(await lastRefusal()).toMatchObject({ target_id: id, details: { code: 'inactive' } });
  });

  test('keeps its address when another account has the new one', async () => {
    const sub = somebody();
    const { id } = await userOf(await signIn({ sub }));
    await signIn({ sub, email: root.email, email_verified: true });
    const shown = await broker.call(`GET /api/v1/platform/users/${id}`, { as: null, headers: root.headers });
    expect(shown.body.email).toBe(`${id}@unverified.invalid`);
  });
});

describe('an answer that is not to be trusted', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);

  test.each<[string, Record<string, unknown>]>([
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'another-client' }],
    ['several audiences, and none of them authorized', { aud: ['another-client', 'third'] }],
    ['an end that is past', { exp: now - 120 }],
    ['another nonce', { nonce: 'another-nonce' }],
    ['no nonce', { nonce: undefined }],
    ['no subject', { sub: undefined }],
  ])('an ID token with %s', async (_what, claims) => {
    await expectUntrusted(claims);
  });

  test.each<[string, (token: string) => string]>([
    ['a changed signature', (token) => `${token.slice(0, -8)}AAAAAAAA`],
    ['changed claims', (token) => token.replace(/\.[^.]+\./, (claims) => `.${changed(claims)}.`)],
    ['no algorithm', (token) => `${part({ alg: 'none' })}.${token.split('.')[1]}.`],
    ['a symmetric algorithm', (token) => `${part({ alg: 'HS256', kid: 'k1' })}.${token.split('.')[1]}.AAAA`],
    [
      'a key that is not the provider’s',
      (token) => token.replace(/^[^.]+/, part({ alg: 'RS256', kid: 'k2' })),
    ],
  ])('an ID token with %s', async (_what, forge) => {
    provider.next.forge = forge;
    await expectUntrusted({});
  });

  function changed(claims: string): string {
    const read = JSON.parse(Buffer.from(claims.replaceAll('.', ''), 'base64url').toString());
    return part({ ...read, groups: ['admins'], sub: 'subject-admin' });
  }

  async function expectUntrusted(claims: Record<string, unknown>): Promise<void> {
    const led = await signIn({ sub: somebody(), ...claims });
    expect(reasonOf(led)).toBe('provider-untrusted');
    expect(led.cookies.has('flowplate')).toBe(false);
    expect(await lastRefusal()).toMatchObject({ target_id: 'unknown', details: { code: 'untrusted' } });
  }

  test.each<[string, (answer: URLSearchParams) => void]>([
    ['of another provider (RFC 9207)', (answer) => answer.set('iss', 'https://evil.example')],
    ['of no provider, where it says that it names itself', (answer) => answer.delete('iss')],
    ['twice from two providers', (answer) => answer.append('iss', 'https://evil.example')],
    ['with an unknown code', (answer) => answer.set('code', 'made-up')],
    ['without a code', (answer) => answer.delete('code')],
    ['with an ID token in the address', (answer) => answer.set('id_token', 'x.y.z')],
  ])('an answer %s', async (_what, change) => {
    provider.next.claims = { sub: somebody() };
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    change(answer);
    const led = await comeBack(broker, answer, cookie);
    expect(['provider-untrusted']).toContain(reasonOf(led));
    expect(led.cookies.has('flowplate')).toBe(false);
  });

  test('a userinfo of somebody else', async () => {
    provider.next.userInfo = { sub: 'somebody-else', groups: ['admins'] };
    expect(reasonOf(await signIn({ sub: somebody(), groups: undefined }))).toBe('provider-untrusted');
  });

  test('a refusal of the provider leads back with its message', async () => {
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    answer.delete('code');
    answer.set('error', 'access_denied');
    expect(reasonOf(await comeBack(broker, answer, cookie))).toBe('provider-cancelled');
  });
});

describe('a callback belongs to one browser, and works once', () => {
  test('without its cookie, with another browser’s, or with a made-up one it is refused', async () => {
    provider.next.claims = { sub: somebody() };
    const [mine, others] = [await begin(broker), await begin(broker)];
    const answer = provider.answer(mine.location);
    const madeUp = `${attemptCookie}=${Buffer.alloc(200, 7).toString('base64url')}`;
    for (const cookie of [
      '',
      others.cookie,
      madeUp,
      `${mine.cookie.slice(0, -4)}AAAA`,
      `${mine.cookie}; ${others.cookie}`,
    ]) {
      const led = await comeBack(broker, answer, cookie);
      expect(reasonOf(led), cookie).toBe('provider-expired');
      expect(led.cookies.has('flowplate')).toBe(false);
    }
  });

  test('with another state, or two, it is refused', async () => {
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    const twice = new URLSearchParams(answer);
    twice.append('state', 'other');
    answer.set('state', 'other');
    for (const sent of [answer, twice]) {
      expect(reasonOf(await comeBack(broker, sent, cookie))).toBe('provider-expired');
    }
  });

  test('the same callback again is refused, also by a provider that takes its code twice', async () => {
    provider.next.claims = { sub: somebody() };
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    expect((await comeBack(broker, answer, cookie)).cookies.has('flowplate')).toBe(true);
    const again = await comeBack(broker, answer, cookie);
    expect(reasonOf(again)).toBe('provider-expired');
    expect(again.cookies.has('flowplate')).toBe(false);
  });

  test('of two at once exactly one makes a session', async () => {
    provider.next.claims = { sub: somebody() };
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    const ends = await Promise.all([1, 2, 3].map(() => comeBack(broker, answer, cookie)));
    expect(ends.filter((led) => led.cookies.has('flowplate'))).toHaveLength(1);
  });

  test('after ten minutes it is refused', async () => {
    provider.next.claims = { sub: somebody() };
    const { location, cookie } = await begin(broker);
    walkClock(broker, 11 * 60_000);
    expect(reasonOf(await comeBack(broker, provider.answer(location), cookie))).toBe('provider-expired');
  });

  test('while the provider is down it says so, and works when it is back', async () => {
    provider.next.claims = { sub: somebody() };
    const { location, cookie } = await begin(broker);
    const answer = provider.answer(location);
    provider.next.isDown = true;
    expect(reasonOf(await comeBack(broker, answer, cookie))).toBe('provider-unavailable');
    provider.next.isDown = false;
    expect((await comeBack(broker, answer, cookie)).cookies.has('flowplate')).toBe(true);
  });

  test.each([
    '//evil.example/',
    'https://evil.example/',
    '/\\evil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
    '/overview\r\nSet-Cookie: a=b',
    '@evil.example',
    `/a${'a'.repeat(600)}`,
  ])('it leads nowhere but into the portal: %s', async (next) => {
    const led = await signIn({ sub: somebody() }, next);
    expect(new URL(led.location).origin).toBe(publicUrl);
    expect(led.location.startsWith(`${publicUrl}/platform/`)).toBe(true);
  });
});

describe('an account of the provider', () => {
  test('has no password: a log-in with one is refused like an unknown account', async () => {
    const email = 'without-password@example.com';
    await signIn({ sub: somebody(), email, email_verified: true });
    for (const password of ['', 'x', 'null', secret].filter((typed) => typed !== '')) {
      expectError(await tryLogIn(broker, email, password), 401, 'INVALID_CREDENTIALS');
    }
  });

  test('is switched on and off here, and nothing else', async () => {
    const led = await signIn({ sub: somebody() });
    const { id } = await userOf(led);
    const changes = [
      { name: 'Mallory' },
      { email: 'mallory@example.com' },
      { role_ids: ['role_platform_viewer'] },
      { password: 'correct horse battery staple' },
      { is_break_glass: true },
      { is_active: true, role_ids: [] },
    ];
    for (const body of changes) expectError(await update(id, body), 409, 'MANAGED_BY_PROVIDER');
    const reset = await broker.call(`POST /api/v1/platform/users/${id}/reset-password`, {
      as: null,
      headers: root.headers,
      body: { password: 'correct horse battery staple' },
    });
    expectError(reset, 409, 'MANAGED_BY_PROVIDER');
    const changed = await broker.call('POST /api/v1/platform/auth/change-password', {
      as: null,
      headers: { authorization: `Bearer ${tokenOf(led)}` },
      body: { current_password: 'x', new_password: 'correct horse battery staple' },
    });
    expectError(changed, 409, 'MANAGED_BY_PROVIDER');
    expect((await update(id, { is_active: false })).status).toBe(200);
  });

  test('is no super-admin that the last one with a password could be removed for', async () => {
    const led = await signIn({ sub: somebody(), groups: ['admins'] });
    const headers = { authorization: `Bearer ${tokenOf(led)}` };
    const others = await broker.db
      .selectFrom('platform_users')
      .select('id')
      .where('password_hash', 'is not', null)
      .where('id', '<>', root.id)
      .execute();
    for (const { id } of others) {
      await broker.call(`DELETE /api/v1/platform/users/${id}`, { as: null, headers });
    }
    const removed = await broker.call(`DELETE /api/v1/platform/users/${root.id}`, { as: null, headers });
    expectError(removed, 409, 'LAST_SUPER_ADMIN');
  });

  test('ends its session by logging out, as others do', async () => {
    const token = tokenOf(await signIn({ sub: somebody() }));
    const headers = { authorization: `Bearer ${token}` };
    expect((await broker.call('POST /api/v1/platform/auth/logout', { as: null, headers })).status).toBe(200);
    expectError(await me(token), 401, 'AUTHENTICATION_REQUIRED');
  });
});

describe('a step-up of an account of the provider', () => {
  const elevenMinutes = 11 * 60_000;
  const now = () => Math.floor(Date.now() / 1_000);
  const createRole = (token: string) =>
    broker.call('POST /api/v1/apikeys', {
      as: null,
      headers: { authorization: `Bearer ${token}` },
      body: { name: 'a key of the platform', platform: true, role_ids: ['role_platform_viewer'] },
    });
  const age = (id: string) =>
    broker.db
      .updateTable('platform_sessions')
      .set({ confirmed_at: new Date(Date.now() - elevenMinutes) })
      .where('user_id', '=', id)
      .execute();

  /** Somebody whose session is older than ten minutes. */
  async function signedInLately() {
    const sub = somebody();
    const token = tokenOf(await signIn({ sub }));
    const { id } = (await me(token)).body;
    await age(id);
    expectError(await createRole(token), 403, 'STEP_UP_REQUIRED');
    return { sub, token, id };
  }

  async function confirm(token: string, claims: Record<string, unknown>): Promise<Led> {
    provider.next.claims = claims;
    const led = await open(broker, '/platform/sign-in?confirm=1&next=/account', {
      cookie: `flowplate=${token}`,
    });
    const asked = new URL(led.location).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ prompt: 'login', max_age: '0' });
    const cookie = `${attemptCookie}=${led.cookies.get(attemptCookie)}`;
    return comeBack(broker, provider.answer(led.location), cookie);
  }

  test('is another sign-in at the provider, which confirms the session that there is', async () => {
    const { sub, token, id } = await signedInLately();
    const told = await broker.call('POST /api/v1/platform/auth/confirm', {
      as: null,
      headers: { authorization: `Bearer ${token}` },
      body: {},
    });
    expectError(told, 409, 'MANAGED_BY_PROVIDER');
    const led = await confirm(token, { sub, auth_time: now() });
    expect(led.location).toBe(`${publicUrl}/platform/account`);
    expect(led.cookies.has('flowplate')).toBe(false);
    expect((await createRole(token)).status).toBe(201);
    const events = await auditEventsOf(broker, { targetId: id });
    expect(events.find(({ event_type }) => event_type === 'platform.session.confirmed')).toMatchObject({
      actor_id: id,
      details: { by: 'identity provider' },
    });
  });

  test.each([
    ['that is remembered from before', () => now() - 600],
    ['of an unknown time', () => undefined],
  ])('does not count for a log-in at the provider %s', async (_what, authTime) => {
    const { sub, token } = await signedInLately();
    expect(reasonOf(await confirm(token, { sub, auth_time: authTime() }))).toBe('provider-untrusted');
    expectError(await createRole(token), 403, 'STEP_UP_REQUIRED');
  });

  test('does not count for somebody else, nor for a session that has ended', async () => {
    const { sub, token, id } = await signedInLately();
    const other = { sub: somebody(), auth_time: now() };
    expect(reasonOf(await confirm(token, other))).toBe('provider-another-account');
    expectError(await createRole(token), 403, 'STEP_UP_REQUIRED');
    provider.next.claims = { sub, auth_time: now() };
    const led = await open(broker, '/platform/sign-in?confirm=1', { cookie: `flowplate=${token}` });
    await broker.db.deleteFrom('platform_sessions').where('user_id', '=', id).execute();
    const cookie = `${attemptCookie}=${led.cookies.get(attemptCookie)}`;
    expect(reasonOf(await comeBack(broker, provider.answer(led.location), cookie))).toBe(
      'provider-another-account',
    );
  });

  test('needs a session', async () => {
    const led = await open(broker, '/platform/sign-in?confirm=1', { cookie: 'flowplate=a.b.c' });
    expect(led).toMatchObject({ location: `${publicUrl}/platform/login`, setCookies: [] });
  });
});

describe('with PASSWORD_LOGIN break-glass', () => {
  let strict: TestBroker;
  const countBreakGlass = async (userId: string) =>
    (await auditEventsOf(broker, { targetId: userId })).filter(
      ({ event_type }) => event_type === 'platform.login.break_glass',
    ).length;
  beforeAll(async () => {
    strict = await broker.replica({ PASSWORD_LOGIN: 'break-glass' });
    atEnd(() => strict.close());
  });

  test('only a super-admin marks an account, and it is written down', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const user = await platformUser(broker, root, ['role_platform_viewer']);
    expectError(await update(user.id, { is_break_glass: true }, admin), 403, 'INSUFFICIENT_PERMISSIONS');
    expect((await update(user.id, { is_break_glass: true })).body.is_break_glass).toBe(true);
    const events = await auditEventsOf(broker, { targetId: user.id });
    expect(events.at(-1)).toMatchObject({
      event_type: 'platform.user.updated',
      details: { is_break_glass: true },
    });
  });

  test('nobody is locked out while no super-admin is marked; then marked accounts alone log in', async () => {
    const [marked, other] = [await platformUser(broker, root), await platformUser(broker, root)];
    const viewer = await platformUser(broker, root, ['role_platform_viewer']);
    expectError(await tryLogIn(strict, viewer.email), 403, 'PASSWORD_LOGIN_OFF');
    expectError(await tryLogIn(strict, viewer.email, 'not the password'), 401, 'INVALID_CREDENTIALS');
    await logIn(strict, other.email);
    expect(await countBreakGlass(other.id)).toBe(1);
    await update(marked.id, { is_break_glass: true });
    expectError(await tryLogIn(strict, other.email), 403, 'PASSWORD_LOGIN_OFF');
    await logIn(strict, marked.email);
    expect(await countBreakGlass(marked.id)).toBe(1);
    const warned = strict.logLines.filter((line) => line.includes('break-glass log-in'));
    expect(warned.every((line) => line.includes('"level":"warn"'))).toBe(true);
    expect(warned.join()).toContain(marked.id);
    await update(marked.id, { is_active: false });
    await logIn(strict, other.email);
  });

  test('the doctor finds that no account is marked, and a provider that does not answer', async () => {
    await broker.db.updateTable('platform_users').set({ is_break_glass: false }).execute();
    const codes = async () => {
      const { headers } = root;
      const { body } = await strict.call('GET /api/v1/platform/diagnosis', { as: null, headers });
      return body.findings.map(({ code }: { code: string }) => code);
    };
    provider.next.isDown = true;
    expect(await codes()).toEqual(
      expect.arrayContaining(['BREAK_GLASS_MISSING', 'IDENTITY_PROVIDER_UNREACHABLE']),
    );
  });
});

test('an API process that names a role which does not exist says so and ends', async () => {
  const env = {
    ...broker.env,
    PORT: '0',
    METRICS_PORT: '0',
    OIDC_ROLES: 'admins=role_platform_admin,role_typo',
  };
  const api = await startScript('src/main.ts', { env });
  expect((await api.exited).code).toBe(1);
  expect(api.stdout()).toContain('OIDC_ROLES names roles that do not exist: role_typo');
  expect(api.stdout()).not.toContain(secret);
});

test('a role that a group gives is not deleted', async () => {
  const made = await broker.call('POST /api/v1/platform/roles', {
    as: null,
    headers: root.headers,
    body: { name: 'mapped', permissions: [] },
  });
  const mapped = await broker.replica({ OIDC_ROLES: `admins=${made.body.id}` });
  atEnd(() => mapped.close());
  const remove = (at: TestBroker) =>
    at.call(`DELETE /api/v1/platform/roles/${made.body.id}`, { as: null, headers: root.headers });
  expectError(await remove(mapped), 409, 'ROLE_IN_USE');
  expect((await remove(broker)).status).toBe(200);
});

test('no secret of a sign-in is in the log or the audit log', async () => {
  const { location, cookie } = await begin(broker);
  const answer = provider.answer(location, 'code-that-is-secret');
  provider.next.claims = { sub: somebody() };
  const led = await comeBack(broker, answer, cookie);
  const events = await broker.db.selectFrom('audit_events').selectAll().execute();
  const written = broker.logLines.join('') + JSON.stringify(events);
  const asked = new URL(location).searchParams;
  const secrets = ['code-that-is-secret', secret, tokenOf(led), asked.get('state'), asked.get('nonce')];
  for (const value of secrets) {
    expect(value).not.toBe('');
    expect(written).not.toContain(value);
  }
});
