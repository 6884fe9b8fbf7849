import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { type Minted, mint, verify } from '../../support/keys.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';
import { doorPath, knock, knockWith } from './door.ts';

let broker: TestBroker;
let client: Minted;
let other: Minted;
beforeAll(async () => {
  broker = await startBroker();
  client = await mint(broker, { scopes: ['read', 'write'] });
  other = await mint(broker);
  // From memory from here on, so that no look-up runs into the door's deadline.
  for (const { key } of [client, other]) await verify(broker, key);
});
afterAll(() => broker.close());

/** As lines of their own, also when a name comes twice. */
async function statusFor(...lines: string[]): Promise<number | undefined> {
  const all = [
    `GET ${doorPath} HTTP/1.1`,
    'host: broker',
    `x-flowplate-master-key: ${broker.masterKey}`,
    ...lines,
  ];
  const [status] = statusesOf(await sendRaw(broker.url, `${all.join('\r\n')}\r\nconnection: close\r\n\r\n`));
  return status;
}

describe('the key', () => {
  test.each<[string, (key: string) => string[]]>([
    ['X-API-Key', (key) => [`X-API-Key: ${key}`]],
    ['Authorization: Bearer', (key) => [`Authorization: Bearer ${key}`]],
    ['the scheme in any case', (key) => [`authorization: bEARER ${key}`]],
    ['more than one space', (key) => [`Authorization: Bearer    ${key}  `]],
    ['both, with the same key', (key) => [`X-API-Key: ${key}`, `Authorization: Bearer ${key}`]],
    ['beside an empty X-API-Key', (key) => ['X-API-Key:', `Authorization: Bearer ${key}`]],
    ['beside an empty X-API-Key of the same name', (key) => ['X-API-Key:', `X-API-Key: ${key}`]],
    [
      'beside Basic credentials of another system',
      (key) => ['Authorization: Basic eA==', `X-API-Key: ${key}`],
    ],
  ])('is taken from %s', async (_, lines) => {
    expect(await statusFor(...lines(client.key))).toBe(200);
  });

  test.each<[string, (key: string, second: string) => string[]]>([
    ['two keys in two headers', (key, second) => [`X-API-Key: ${key}`, `Authorization: Bearer ${second}`]],
    [
      'the same the other way round',
      (key, second) => [`Authorization: Bearer ${key}`, `X-API-Key: ${second}`],
    ],
    ['X-API-Key twice', (key, second) => [`X-API-Key: ${key}`, `X-API-Key: ${second}`]],
    [
      'Authorization twice',
      (key, second) => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${second}`],
    ],
    ['a list in X-API-Key', (key, second) => [`X-API-Key: ${key}, ${second}`]],
    ['a list of one and the same', (key) => [`X-API-Key: ${key}, ${key}`]],
    ['a list in Authorization', (key, second) => [`Authorization: Bearer ${key}, Bearer ${second}`]],
    ['a list in one token', (key, second) => [`Authorization: Bearer ${key},${second}`]],
    ['an empty bearer token beside X-API-Key', (key) => ['Authorization: Bearer', `X-API-Key: ${key}`]],
    ['no scheme', (key) => [`Authorization: ${key}`]],
    ['another scheme', (key) => [`Authorization: Token ${key}`]],
    ['a header with an underscore', (key) => [`x_api_key: ${key}`]],
    ['a cookie', (key) => [`Cookie: X-API-Key=${key}; Authorization=Bearer ${key}`]],
    ['the password of Basic', (key) => [`Authorization: Basic ${btoa(`x:${key}`)}`]],
  ])('is not taken from %s', async (_, lines) => {
    expect(await statusFor(...lines(client.key, other.key))).toBe(401);
  });

  test('of two keys is no key: the client is told invalid_token, not to send one', async () => {
    const headers = { authorization: `Bearer ${other.key}` };
    const { headers: told } = await knockWith(broker, client, headers);
    expect(told.get('www-authenticate')).toBe('Bearer realm="flowplate", error="invalid_token"');
  });

  test('is not taken from the query, and stands in no log line', async () => {
    for (const below of [`?api_key=${client.key}`, `/x?X-API-Key=${client.key}`, `/${client.key}`]) {
      expect((await knock(broker, {}, { below })).status).toBe(401);
    }
    expect(broker.logLines.join('')).not.toContain(client.key);
  });

  test('is not taken from the body', async () => {
    const body = JSON.stringify({ key: client.key, 'x-api-key': client.key });
    expect((await broker.call(`POST ${doorPath}`, { body })).status).toBe(401);
  });
});

describe('the gateway', () => {
  test('without, with an unknown or with two master keys it is refused, and its client with it', async () => {
    const refused = await knockWith(broker, client, {}, { as: null });
    expect([refused.status, refused.headers.get('x-flowplate-code')]).toEqual([401, 'gateway_unknown']);
    const unknown = newSecret('master', 'test', randomBytes);
    expect((await knockWith(broker, client, {}, { as: unknown })).status).toBe(401);
    expect(await statusFor(`X-API-Key: ${client.key}`, `x-flowplate-master-key: ${unknown}`)).toBe(401);
  });

  test('its master key sent twice with one value is one, and an empty header is none', async () => {
    for (const again of [broker.masterKey, '']) {
      expect(await statusFor(`X-API-Key: ${client.key}`, `x-flowplate-master-key: ${again}`)).toBe(200);
    }
  });

  test('an empty X-API-Key alone is no key: the client is told to send one', async () => {
    const { headers } = await knock(broker, { 'x-api-key': '' });
    expect(headers.get('www-authenticate')).toBe('Bearer realm="flowplate"');
  });

  test("the client's headers do not speak for it", async () => {
    const headers = { 'x-api-key': broker.masterKey, authorization: `Bearer ${broker.masterKey}` };
    expect((await knock(broker, headers, { as: null })).status).toBe(401);
  });

  test('it needs keys:verify and nothing else', async () => {
    const { secret: minting } = await broker.createMasterKey({ permissions: ['keys:mint', 'keys:read'] });
    const { secret: verifying } = await broker.createMasterKey({ permissions: ['keys:verify'] });
    const refused = await knockWith(broker, client, {}, { as: minting });
    expect([refused.status, refused.headers.get('x-flowplate-code')]).toEqual([403, 'gateway_forbidden']);
    expect((await knockWith(broker, client, {}, { as: verifying })).status).toBe(200);
  });

  test('a refused gateway learns nothing of the key', async () => {
    const refused = await knockWith(broker, client, {}, { as: null });
    expect([...refused.headers.keys()].filter((name) => name.endsWith('-id'))).toEqual(['x-request-id']);
  });
});

describe('forged headers', () => {
  const forged = {
    'x-flowplate-user-id': 'somebody',
    'x-flowplate-organization-id': 'org_forged',
    'x-flowplate-key-id': 'flk_forged',
    'x-flowplate-environment': 'prod',
    'x-flowplate-scopes': 'admin',
    'x-flowplate-code': 'VALID',
  };

  test('an identity that the client sends changes neither the decision nor the answer', async () => {
    const { headers } = await knockWith(broker, client, forged);
    expect(headers.get('x-flowplate-user-id')).toBe(client.user_id);
    expect(headers.get('x-flowplate-scopes')).toBe('read write');
    expect(headers.get('x-flowplate-code')).toBeNull();
  });

  test('a refusal carries no identity, forged or real', async () => {
    const refusals = [
      await knock(broker, forged),
      await knockWith(broker, { key: 'x' }, forged),
      await knockWith(broker, client, { ...forged, 'x-flowplate-required-scopes': 'admin' }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([401, 401, 403]);
    for (const { headers, body } of refusals) {
      for (const name of Object.keys(forged).slice(0, 5)) expect(headers.has(name)).toBe(false);
      expect(JSON.stringify(body)).not.toContain('forged');
    }
  });
});

describe('what the gateway demands', () => {
  const ask = async (headers: object) => (await knockWith(broker, client, headers)).status;

  test('all scopes of a list must be held, however it is written', async () => {
    for (const list of ['read', 'read write', 'read,write', ' write ,  read '])
      expect(await ask({ 'x-flowplate-required-scopes': list })).toBe(200);
    for (const list of ['admin', 'read admin', 'read,admin', 'Read'])
      expect(await ask({ 'x-flowplate-required-scopes': list })).toBe(403);
  });

  test('its organization and its environment must be those of the key', async () => {
    const { organization_id } = client;
    expect(await ask({ 'x-flowplate-required-organization': organization_id })).toBe(200);
    expect(await ask({ 'x-flowplate-required-environment': 'test' })).toBe(200);
    expect(await ask({ 'x-flowplate-required-organization': other.organization_id })).toBe(403);
    expect(await ask({ 'x-flowplate-required-environment': 'prod' })).toBe(403);
  });

  test("a client's own demand can only be added to the gateway's", async () => {
    const demand = (name: string, ...values: string[]) =>
      statusFor(
        `X-API-Key: ${client.key}`,
        ...values.map((value) => `x-flowplate-required-${name}: ${value}`),
      );
    expect(await demand('scopes', 'read', 'write')).toBe(200);
    expect(await demand('scopes', 'read', 'admin')).toBe(403);
    expect(await demand('organization', client.organization_id, 'org_other')).toBe(403);
    expect(await demand('organization', client.organization_id, client.organization_id)).toBe(200);
    expect(await demand('environment', 'test', 'prod')).toBe(403);
  });
});
