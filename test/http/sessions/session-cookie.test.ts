import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';

type Headers = Record<string, string>;

let broker: TestBroker;
let root: LoggedIn;
/** Headers of a browser for a request of our own page. */
let ownPage: Headers;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
  ownPage = { 'x-flowplate-portal': '1', 'sec-fetch-site': 'same-origin', origin: broker.url };
});
afterAll(() => broker.close());

const call = (operation: string, headers: Headers, body?: unknown) =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
const logIn = (headers: Headers, password = goodPassword) =>
  call('POST /api/v1/platform/session', headers, { email: root.email, password });

/** A session of one's own, as the browser will send it back. */
async function cookieOf(headers: Headers = ownPage): Promise<string> {
  const answer = await logIn(headers);
  expect(answer.status).toBe(200);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const me = (headers: Headers) => call('GET /api/v1/platform/auth/me', headers);
const create = (headers: Headers) =>
  call('POST /api/v1/platform/roles', headers, { name: `role ${Math.random()}`, permissions: [] });

describe('log-in', () => {
  test('over http on the machine itself gives a cookie that no script reads and no other site sends', async () => {
    const answer = await logIn(ownPage);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^flowplate=[\w-]+\.[\w-]+\.[\w-]+; Expires=[^;]+ GMT; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('over https gives a Secure cookie that only this host can have set', async () => {
    const cookie = (await logIn({ ...ownPage, origin: 'https://keys.example.com' })).headers.get(
      'set-cookie',
    );
    expect(cookie).toMatch(
      /^__Host-flowplate=[\w-]+\.[\w-]+\.[\w-]+; Expires=[^;]+ GMT; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect((await me({ cookie: cookie?.split(';')[0] ?? '' })).status).toBe(200);
  });

  test('does not show the token to the page', async () => {
    const { body, headers } = await logIn(ownPage);
    expect(Object.keys(body)).toEqual(['expires_at', 'user']);
    const token = /=([^;]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
    expect(JSON.stringify(body)).not.toContain(token);
  });

  test.each([
    ['the portal’s header', { 'x-flowplate-portal': '' }],
    ['Origin', { origin: '' }],
    ['a page of this server', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a page of this very origin', { 'sec-fetch-site': 'same-site' }],
  ])('422: without %s, whatever the password', async (_name, changed) => {
    const answer = await logIn({ ...ownPage, ...changed }, 'not the right password');
    expectViolations(answer, 'X-Flowplate-Portal');
    expect(answer.headers.has('set-cookie')).toBe(false);
  });

  test('422: over a network in the clear', async () => {
    expectViolations(await logIn({ ...ownPage, origin: 'http://keys.example.com' }), 'Origin');
  });

  test('401: with a wrong password, and then there is no cookie', async () => {
    const answer = await logIn(ownPage, 'not the right password');
    expectError(answer, 401, 'INVALID_CREDENTIALS');
    expect(answer.headers.has('set-cookie')).toBe(false);
  });
});

describe('the cookie counts', () => {
  test.each<[string, Headers]>([
    ['from a page of ours', { 'sec-fetch-site': 'same-origin' }],
    ['from the address bar', { 'sec-fetch-site': 'none' }],
    ['from a browser that does not say', {}],
  ])('for reading %s', async (_name, headers) => {
    expect((await me({ cookie: await cookieOf(), ...headers })).body).toMatchObject({ id: root.id });
  });

  test.each<[string, Headers]>([
    ['the browser says so', { 'sec-fetch-site': 'same-origin' }],
    ['the browser says only its origin', { origin: 'own' }],
  ])('for a change by a page of ours: %s', async (_name, headers) => {
    const origin = headers.origin === undefined ? {} : { origin: broker.url };
    const sent = { cookie: await cookieOf(), 'x-flowplate-portal': '1', ...headers, ...origin };
    expect((await create(sent)).status).toBe(201);
  });

  test('beside other cookies', async () => {
    expect((await me({ cookie: `theme=dark; ${await cookieOf()}; x=flowplate=1` })).status).toBe(200);
  });
});

describe('401: the cookie does not count', () => {
  test.each<[string, Headers]>([
    ['by a page of another site', { 'x-flowplate-portal': '1', 'sec-fetch-site': 'cross-site' }],
    ['by a page of a sister domain', { 'x-flowplate-portal': '1', 'sec-fetch-site': 'same-site' }],
    ['typed into the address bar', { 'x-flowplate-portal': '1', 'sec-fetch-site': 'none' }],
    ['without the portal’s header', { 'sec-fetch-site': 'same-origin' }],
    ['with nothing that says where it is from', { 'x-flowplate-portal': '1' }],
    ['from another origin', { 'x-flowplate-portal': '1', origin: 'https://evil.example' }],
    ['from nowhere', { 'x-flowplate-portal': '1', origin: 'null' }],
    ['without any header', {}],
    [
      'when another site names our origin beside its own word',
      { 'x-flowplate-portal': '1', 'sec-fetch-site': 'cross-site', origin: 'own' },
    ],
  ])('for a change %s', async (_name, headers) => {
    const origin = headers.origin === 'own' ? { origin: broker.url } : {};
    const answer = await create({ cookie: await cookieOf(), ...headers, ...origin });
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
  });

  test.each(['cross-site', 'same-site'])('for reading by a page that is %s', async (site) => {
    const answer = await me({ cookie: await cookieOf(), 'sec-fetch-site': site });
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
  });

  test('under its local name at any other address', async () => {
    const { host, hostname, port } = new URL(broker.url);
    const cookie = await cookieOf();
    const status = async (asked: string) => {
      const { get } = await import('node:http');
      return new Promise<number | undefined>((resolve, reject) => {
        const options = {
          hostname,
          port,
          path: '/api/v1/platform/auth/me',
          headers: { cookie, host: asked },
        };
        get(options, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
      });
    };
    expect(await status(host)).toBe(200);
    expect(await status('keys.example.com')).toBe(401);
  });

  describe('in an absolute-form target, where its host and the Host header must agree', () => {
    /** A change that only its origin vouches for, as an old browser sends it. */
    const change = async (target: string, asked: string, origin: string) => {
      const { host } = new URL(broker.url);
      const named = (text: string) => text.replace('own', host);
      const body = JSON.stringify({ name: `role ${Math.random()}`, permissions: [] });
      const head = [
        `POST ${named(target)}/api/v1/platform/roles HTTP/1.1`,
        `Host: ${named(asked)}`,
        `Origin: ${named(origin)}`,
        `Cookie: ${await cookieOf()}`,
        'X-Flowplate-Portal: 1',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        'Connection: close',
      ];
      return statusesOf(await sendRaw(broker.url, `${head.join('\r\n')}\r\n\r\n${body}`))[0];
    };

    test.each([
      ['http://own', 'own', 'http://own', 201],
      ['', 'own', 'http://own', 201],
      ['http://evil.example', 'own', 'http://own', 401],
      ['http://evil.example', 'own', 'http://evil.example', 401],
      ['http://own', 'evil.example', 'http://own', 401],
      ['http://own', 'evil.example', 'http://evil.example', 401],
      ['http://own', 'own', 'http://evil.example', 401],
      ['http://own', 'evil.example', 'file://', 401],
      ['', '', 'file://', 401],
    ])('target %j, Host %j, Origin %j: %i', async (target, asked, origin, status) => {
      expect(await change(target, asked, origin)).toBe(status);
    });
  });

  test('when the blank before its name is one that browsers take for a part of the name', async () => {
    const cookie = await cookieOf({ ...ownPage, origin: 'https://keys.example.com' });
    const statusAfter = async (before: string) => {
      const head = `GET /api/v1/platform/auth/me HTTP/1.1\r\nHost: keys.example.com\r\nConnection: close\r\n`;
      const bytes = Buffer.from(`${head}Cookie: a=b;${before}${cookie}\r\n\r\n`, 'latin1');
      return statusesOf(await sendRaw(broker.url, bytes));
    };
    expect(await statusAfter(' \t')).toEqual([200]);
    for (const before of ['\u00a0', ' \u00a0', '\u0085']) expect(await statusAfter(before)).toEqual([401]);
  });

  test('when it is there twice, holds a key, or is changed', async () => {
    const cookie = await cookieOf();
    const { secret } = await platformKey(broker);
    const changed = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`;
    for (const bad of [`${cookie}; ${cookie}`, `flowplate=${secret}`, 'flowplate=', `${changed}x`]) {
      expectError(await me({ cookie: bad }), 401, 'AUTHENTICATION_REQUIRED');
    }
  });

  test('where an API user is asked for', async () => {
    expectError(await call('GET /users', { cookie: await cookieOf() }), 401, 'AUTHENTICATION_REQUIRED');
  });
});

describe('beside a credential in a header', () => {
  test('the same token is one credential, and needs no page', async () => {
    const cookie = await cookieOf();
    const token = cookie.slice('flowplate='.length);
    expect((await create({ ...ownPage, cookie, authorization: `Bearer ${token}` })).status).toBe(201);
    expect((await create({ cookie, authorization: `Bearer ${token}` })).status).toBe(201);
  });

  test('400: a different one is ambiguous', async () => {
    const { headers } = await platformKey(broker);
    const answer = await create({ ...ownPage, ...headers, cookie: await cookieOf() });
    expectError(answer, 400, 'AMBIGUOUS_CREDENTIALS');
  });

  test('a cookie that would not count by itself is not looked at', async () => {
    const { headers } = await platformKey(broker);
    expect((await create({ ...headers, cookie: await cookieOf() })).status).toBe(201);
  });

  test('401: a cookie does not stand in for a header that is wrong', async () => {
    const sent = { ...ownPage, cookie: await cookieOf() };
    expectError(await create({ ...sent, authorization: 'Basic eA==' }), 401, 'AUTHENTICATION_REQUIRED');
  });
});

describe('the end of a session', () => {
  test('log-out ends it and takes the cookie away', async () => {
    const cookie = await cookieOf();
    const answer = await call('POST /api/v1/platform/auth/logout', { ...ownPage, cookie }, {});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toMatch(/^flowplate=; Expires=Thu, 01 Jan 1970 /);
    expectError(await me({ cookie }), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('a log-out from elsewhere takes nothing away', async () => {
    const cookie = await cookieOf();
    const answer = await call('POST /api/v1/platform/auth/logout', { cookie }, {});
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
    expect(answer.headers.has('set-cookie')).toBe(false);
    expect((await me({ cookie })).status).toBe(200);
  });

  test('deactivation ends it', async () => {
    const user = await platformUser(broker, root);
    const answer = await call('POST /api/v1/platform/session', ownPage, {
      email: user.email,
      password: goodPassword,
    });
    const cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await me({ cookie })).status).toBe(200);
    await broker.call(`PUT /api/v1/platform/users/${user.id}`, {
      as: null,
      headers: root.headers,
      body: { is_active: false },
    });
    expectError(await me({ cookie }), 401, 'AUTHENTICATION_REQUIRED');
  });
});

const byPassword = { provider_sign_in: null, password_login: 'on' };

test('an anonymous caller may ask whether there is a platform user yet', async () => {
  const fresh = await startBroker();
  const ask = () => fresh.call('GET /api/v1/platform/session', { as: null });
  expect((await ask()).body).toEqual({ bootstrapped: false, ...byPassword });
  await tenantKey(fresh, 'org_first');
  expect((await ask()).body).toEqual({ bootstrapped: false, ...byPassword });
  await bootstrapped(fresh);
  expect((await ask()).body).toEqual({ bootstrapped: true, ...byPassword });
  await fresh.close();
});
