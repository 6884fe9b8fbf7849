import { randomBytes } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError } from '../../support/errors.ts';
import { type Minted, mint, revoke } from '../../support/keys.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';

const path = '/v1/flowplate/introspect';
const formType = 'application/x-www-form-urlencoded';

/** Characters that form-urlencoding changes, and the separator of user name and password. */
const chosenSecret = 'a secret: 100 % + more & ünïcode = 32';

let broker: TestBroker;
let minted: Minted;
beforeAll(async () => {
  broker = await startBroker();
  await broker.createMasterKey({ name: 'chosen' }, chosenSecret);
  minted = await mint(broker, { scopes: ['read'] });
});
afterAll(() => broker.close());

type Headers = Record<string, string>;

const basic = (password: string, name = 'any') => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

function introspect(headers: Headers, fields: Record<string, string> = {}) {
  const body = new URLSearchParams({ token: minted.key, ...fields }).toString();
  return broker.call(`POST ${path}`, { as: null, body, headers: { 'content-type': formType, ...headers } });
}

describe('oauth4webapi', () => {
  const client = { client_id: 'gateway: one' };
  const bearerAuth =
    (secret: string): oauth.ClientAuth =>
    (_server, _client, _body, headers) =>
      headers.set('authorization', `Bearer ${secret}`);

  async function ask(auth: oauth.ClientAuth, token: string, headers: Headers = {}) {
    const server = { issuer: broker.url, introspection_endpoint: broker.url + path };
    const response = await oauth.introspectionRequest(server, client, auth, token, {
      [oauth.allowInsecureRequests]: true,
      headers,
      additionalParameters: { token_type_hint: 'access_token', resource: 'https://api.example/' },
    });
    return oauth.processIntrospectionResponse(server, client, response);
  }

  const ways: Record<string, (secret: string) => [oauth.ClientAuth, Headers?]> = {
    client_secret_basic: (secret) => [oauth.ClientSecretBasic(secret)],
    client_secret_post: (secret) => [oauth.ClientSecretPost(secret)],
    'none, beside our own header': (secret) => [oauth.None(), { 'x-flowplate-master-key': secret }],
    'a bearer token': (secret) => [bearerAuth(secret)],
  };

  describe.each(Object.entries(ways))('%s', (_name, authenticate) => {
    test('is told who a key stands for, and that others are inactive', async () => {
      const revoked = await mint(broker);
      await revoke(broker, revoked.key_id);
      const [auth, headers] = authenticate(broker.masterKey);
      expect(await ask(auth, minted.key, headers)).toMatchObject({
        active: true,
        sub: minted.user_id,
        scope: 'read',
        token_type: 'Bearer',
      });
      for (const token of ['x', 'x'.repeat(60_000), 'ü+%zz &=', revoked.key]) {
        expect(await ask(auth, token, headers)).toEqual({ active: false });
      }
    });

    test('a wrong secret is a challenge', async () => {
      const [auth, headers] = authenticate(newSecret('master', 'test', randomBytes));
      const refused = await ask(auth, minted.key, headers).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
      expect(refused).toMatchObject({ status: 401 });
    });
  });

  test('a secret of any characters that an operator chose goes through both encodings', async () => {
    for (const auth of [oauth.ClientSecretBasic(chosenSecret), oauth.ClientSecretPost(chosenSecret)]) {
      expect((await ask(auth, minted.key)).active).toBe(true);
    }
  });
});

describe('400', () => {
  test('two different credentials are refused wherever they stand, also when both would do', async () => {
    const { secret: other } = await broker.createMasterKey();
    const mine = broker.masterKey;
    for (const [headers, fields] of [
      [{ 'x-flowplate-master-key': mine, ...bearer(other) }, {}],
      [{ 'x-flowplate-master-key': mine, ...basic('') }, {}],
      [{ 'x-flowplate-master-key': mine, authorization: 'Basic %%%' }, {}],
      [{ 'x-api-key': mine, ...basic(other) }, {}],
      [{ 'x-flowplate-master-key': mine }, { client_secret: other }],
      [{ 'x-flowplate-master-key': mine }, { client_secret: 'junk' }],
      [basic(mine), { client_secret: other }],
      [bearer(mine), { client_secret: other }],
    ] as const) {
      const answer = await introspect(headers, fields);
      expectError(answer, 400, 'AMBIGUOUS_CREDENTIALS');
      expect(JSON.stringify(answer.body)).not.toContain(other);
    }
  });

  test.each(['token', 'client_secret', 'client_id'])('a form with %s twice is refused', async (name) => {
    const fields = { token: minted.key, client_secret: broker.masterKey, client_id: 'a' };
    const body = `${new URLSearchParams(fields)}&${name}=${fields[name as keyof typeof fields]}`;
    const answer = await broker.call(`POST ${path}`, {
      as: null,
      body,
      headers: { 'content-type': formType },
    });
    expectError(answer, 400, 'INVALID_JSON');
  });
});

describe('401', () => {
  test('every wrong credential is refused all alike, down to the same bytes', async () => {
    const expired = await broker.createMasterKey({ expiresAt: new Date(Date.now() - 1) });
    const elsewhere = await broker.createMasterKey({ ipAllowlist: ['10.0.0.0/8'] });
    const none = await introspect({});
    expectError(none, 401, 'AUTHENTICATION_REQUIRED');
    const wrong = ['junk', newSecret('master', 'test', randomBytes), expired.secret, elsewhere.secret];
    const attempts: Array<[Headers, Record<string, string>?]> = [
      ...[...wrong, minted.key].flatMap(
        (secret): Array<[Headers, Record<string, string>?]> => [
          [basic(secret)],
          [bearer(secret)],
          [{}, { client_secret: secret }],
        ],
      ),
      [{}, { client_secret: '' }],
      [basic('')],
      [basic('%zz')],
      [basic(chosenSecret)],
      [{ authorization: `Basic ${Buffer.from(broker.masterKey).toString('base64')}` }],
      [{ authorization: `Basic ${broker.masterKey}` }],
      [{ authorization: 'Basic' }],
      [{ authorization: 'Bearer' }],
      [bearer(`${broker.masterKey} x`)],
      [{ authorization: `Digest ${broker.masterKey}` }],
      [basic('x'), { client_secret: '' }],
    ];
    for (const [headers, fields] of attempts) {
      const answer = await introspect(headers, fields);
      expect(bytesOf(answer), JSON.stringify(headers)).toBe(bytesOf(none));
    }
  });

  test('a body that is no form carries no credential', async () => {
    const body = { token: minted.key, client_secret: broker.masterKey };
    expectError(await broker.call(`POST ${path}`, { as: null, body }), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('a wrong credential in a header is refused before the body is there', async () => {
    const head = [
      `POST ${path} HTTP/1.1`,
      'Host: broker',
      `Authorization: ${basic('junk').authorization}`,
      `Content-Type: ${formType}`,
      'Content-Length: 1000',
    ];
    expect(statusesOf(await sendRaw(broker.url, `${head.join('\r\n')}\r\n\r\n`))).toEqual([401]);
  });
});

describe('403', () => {
  test('a master key without keys:verify is refused in every place', async () => {
    const { secret } = await broker.createMasterKey({ permissions: ['keys:read'] });
    for (const [headers, fields] of [
      [basic(secret), {}],
      [bearer(secret), {}],
      [{}, { client_secret: secret }],
    ] as const) {
      expectError(await introspect(headers, fields), 403, 'INSUFFICIENT_PERMISSIONS');
    }
  });
});

describe('413', () => {
  test('a body beyond 64 KiB is not read for a credential either', async () => {
    const answer = await introspect({}, { token: 'x'.repeat(70_000), client_secret: broker.masterKey });
    expectError(answer, 413, 'PAYLOAD_TOO_LARGE');
  });
});

describe('200', () => {
  test('one credential in several places is one', async () => {
    const { masterKey } = broker;
    const everywhere = { 'x-flowplate-master-key': masterKey, 'x-api-key': masterKey, ...basic(masterKey) };
    expect((await introspect(everywhere, { client_secret: masterKey })).body.active).toBe(true);
  });

  test('an Authorization of another scheme belongs to something in between', async () => {
    const headers = { 'x-flowplate-master-key': broker.masterKey, authorization: 'Negotiate abc' };
    expect((await introspect(headers)).body.active).toBe(true);
  });

  test.each(['basic', 'BASIC', 'bearer'])('the scheme %s is read in any case', async (scheme) => {
    const { authorization } = (scheme === 'bearer' ? bearer : basic)(broker.masterKey);
    const headers = { authorization: authorization.replace(/^\w+/, scheme) };
    expect((await introspect(headers)).body.active).toBe(true);
  });

  test('the user name is ignored, and an empty one is none the worse', async () => {
    for (const name of ['', 'gateway', 'a%3Ab'])
      expect((await introspect(basic(broker.masterKey, name))).body.active).toBe(true);
  });

  test('a form of thousands of members is read to its end', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `a${index}=`).join('&');
    const answer = await broker.call(`POST ${path}`, {
      body: `${many}&token=${minted.key}`,
      headers: { 'content-type': formType },
    });
    expect(answer.body.active).toBe(true);
  });
});

test('nowhere else is a master key taken from Authorization or a body', async () => {
  const headers = { ...bearer(broker.masterKey), 'content-type': 'application/json' };
  for (const secret of [headers, { ...headers, ...basic(broker.masterKey) }]) {
    const body = { key: minted.key };
    const answer = await broker.call('POST /v1/flowplate/api-keys/verify', {
      as: null,
      body,
      headers: secret,
    });
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
  }
});

test('no secret of any of these ways is in the log', () => {
  const lines = broker.logLines.join('');
  for (const secret of [broker.masterKey, chosenSecret, encodeURIComponent(chosenSecret)]) {
    expect(lines).not.toContain(secret);
    expect(lines).not.toContain(basic(secret).authorization.slice('Basic '.length));
  }
});
