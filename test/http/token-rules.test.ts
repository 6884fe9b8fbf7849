import { createHmac } from 'node:crypto';
import { exportSPKI } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorkloadRule } from '../../src/usecases/master-keys/create-workload-rule.ts';
import type { MasterKeyRequest } from '../../src/usecases/master-keys/issue-master-key.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { allRights, startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { runScript } from '../support/processes.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';
import { knock } from './verify/door.ts';

const audience = 'flowplate';
const gateway = 'system:serviceaccount:edge:gateway';

let issuer: TokenIssuer;
let away: TokenIssuer;
let broker: TestBroker;
let other: TestBroker;
let key: string;
beforeAll(async () => {
  issuer = await startTokenIssuer();
  away = await startTokenIssuer('https://away.example');
  away.state.isDown = true;
  for (const one of [issuer, away]) atEnd(() => one.close());
  broker = await startBroker({ WORKLOAD_ISSUERS: `${issuer.setting}; ${away.setting}` });
  atEnd(() => broker.close());
  other = await broker.replica({ FAST_LANE: 'off' });
  atEnd(() => other.close());
  ({ key } = await mint(broker));
});
afterAll(endAll);

function newRule(subject: string, request: Partial<MasterKeyRequest> = {}, about: object = {}) {
  const token = { issuer: issuer.issuer, audience, subject, ...about };
  return createWorkloadRule(broker.api.parts, testOrigin, { ...allRights, ...request, token });
}

type Headers = Record<string, string>;

/** The statuses of JSON verify, batch, management, mint and introspection. */
async function withHeaders(headers: Headers, at = broker): Promise<number[]> {
  const operations: [string, object?][] = [
    [`POST ${keysPath}/verify`, { key }],
    [`POST ${keysPath}/verify/batch`, { keys: [{ key }] }],
    [`GET ${keysPath}?limit=1`],
    [`POST ${keysPath}`, newOwner()],
  ];
  const statuses: number[] = [];
  for (const [operation, body] of operations)
    statuses.push((await at.call(operation, { as: null, headers, ...(body && { body }) })).status);
  return [...statuses, (await introspect(headers, at)).status];
}

function introspect(headers: Headers, at = broker) {
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return at.call('POST /v1/flowplate/introspect', { as: null, headers: form, body: `token=${key}` });
}

/** The same as `Bearer`, and forward auth, where `Bearer` is the end client's. */
async function everywhere(token: string, at = broker): Promise<number[]> {
  const door = await knock(at, { authorization: `Bearer ${key}` }, { as: token });
  return [door.status, ...(await withHeaders({ authorization: `Bearer ${token}` }, at))];
}

const allowed = [200, 200, 200, 200, 201, 200];
const refused = [401, 401, 401, 401, 401, 401];

test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
  'a rule admits tokens that are signed with %s',
  async (alg) => {
    const subject = `system:serviceaccount:edge:${alg}`;
    const rule = await newRule(subject);
    const by = await away.newKey(`of-${alg}`, alg);
    const own = await startTokenIssuer(`https://${alg.toLowerCase()}.example`);
    atEnd(() => own.close());
    own.published.push(by.jwk);
    const replica = await broker.replica({ WORKLOAD_ISSUERS: `${own.setting};${issuer.setting}` });
    atEnd(() => replica.close());
    await newRule(subject, {}, { issuer: own.issuer });
    for (const at of [replica])
      expect(await everywhere(await own.sign({ sub: subject }, by), at)).toEqual(allowed);
    expect(rule.token).toEqual({ issuer: issuer.issuer, audience, subject });
  },
);

describe('nobody is admitted', () => {
  const subject = 'repo:acme/app:ref:refs/heads/main';
  beforeAll(async () => {
    await newRule(gateway);
    await newRule(subject);
    await newRule('twice:a');
    await newRule('twice:a', {}, { audience: 'second' });
    expect(await everywhere(await issuer.sign())).toEqual(allowed);
    expect(await everywhere(await issuer.sign({ sub: subject }))).toEqual(allowed);
  });

  const seconds = () => Math.floor(Date.now() / 1_000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  /** A token whose header and signature a stranger has made. */
  async function forged(
    header: object,
    sign: (text: string) => string,
    claims: object = {},
  ): Promise<string> {
    const whole = { iss: issuer.issuer, aud: audience, sub: gateway, iat: seconds(), exp: seconds() + 300 };
    const text = `${encode(header)}.${encode({ ...whole, ...claims })}`;
    return `${text}.${sign(text)}`;
  }
  const hmac = (secret: string | Buffer) => (text: string) =>
    createHmac('sha256', secret).update(text).digest('base64url');

  test.each<[string, () => Promise<string>]>([
    ['for another audience', () => issuer.sign({ aud: 'somebody-else' })],
    ['for an audience that begins like ours', () => issuer.sign({ aud: ['flowplate-dev', 'flow'] })],
    ['of another issuer', () => issuer.sign({ iss: 'https://evil.example' })],
    ['of an issuer with a slash more', () => issuer.sign({ iss: `${issuer.issuer}/` })],
    ['of two issuers', () => issuer.sign({ iss: [issuer.issuer] })],
    ['without a rule', () => issuer.sign({ sub: 'system:serviceaccount:edge:nobody' })],
    ['of a longer subject', () => issuer.sign({ sub: `${gateway}:more` })],
    ['of another organization', () => issuer.sign({ sub: 'repo:acme-evil/app:ref:refs/heads/main' })],
    ['of a pull request', () => issuer.sign({ sub: 'repo:acme/app:pull_request' })],
    ['for two callers at once', () => issuer.sign({ sub: 'twice:a', aud: [audience, 'second'] })],
    ['that has expired', () => issuer.sign({ exp: seconds() - 10 })],
    ['that never expires', () => issuer.sign({ exp: undefined })],
    ['that is not valid yet', () => issuer.sign({ nbf: seconds() + 60 })],
    ['without a subject', () => issuer.sign({ sub: undefined })],
    ['without an audience', () => issuer.sign({ aud: undefined })],
    ['of a stranger with the same kid', async () => issuer.sign({}, await issuer.newKey('k1'))],
    ['of an unknown kid', async () => issuer.sign({}, await issuer.newKey('k9'))],
    ['without a kid', () => issuer.sign({}, issuer.first, { kid: undefined })],
    ['with a critical extension', () => forged({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }, () => 'c2ln')],
    [
      'with a key of its own',
      async () => {
        const own = await issuer.newKey('own');
        return issuer.sign({}, own, { jwk: own.jwk, jku: away.url });
      },
    ],
    ['with alg none', () => forged({ alg: 'none', kid: 'k1' }, () => 'AA')],
    ['with alg none in capitals', () => forged({ alg: 'NONE', kid: 'k1' }, () => 'AA')],
    [
      'with alg HS256 and the public key as PEM',
      async () => forged({ alg: 'HS256', kid: 'k1' }, hmac(await exportSPKI(issuer.first.publicKey))),
    ],
    [
      'with alg HS256 and the modulus',
      async () =>
        forged({ alg: 'HS256', kid: 'k1' }, hmac(Buffer.from(issuer.first.jwk.n ?? '', 'base64url'))),
    ],
    [
      'with the signature of another alg',
      () =>
        issuer.sign({}, issuer.first).then((token) => {
          const [, payload, signature] = token.split('.');
          return `${encode({ alg: 'PS256', kid: 'k1' })}.${payload}.${signature}`;
        }),
    ],
    [
      'that was changed',
      async () => {
        const [header, , signature] = (await issuer.sign({ sub: 'a:b' })).split('.');
        const claims = { iss: issuer.issuer, aud: audience, sub: gateway, exp: seconds() + 300 };
        return `${header}.${encode(claims)}.${signature}`;
      },
    ],
    ['without its signature', async () => `${(await issuer.sign()).split('.').slice(0, 2).join('.')}.`],
  ])('by a token %s', async (_, make) => {
    const token = await make();
    expect(await everywhere(token)).toEqual(refused);
    expect((await withHeaders({ 'x-api-key': token })).slice(0, 4)).toEqual([401, 401, 401, 401]);
  });

  test('by a token where operators sign in, or as the end client of forward auth', async () => {
    const token = await issuer.sign();
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/api/v1/platform/master-keys', '/api/v1/platform/auth/me', '/users'])
      expect((await broker.call(`GET ${path}`, { as: null, headers })).status).toBe(401);
    expect((await knock(broker, headers, { as: null })).status).toBe(401);
    expect((await knock(broker, headers)).status).toBe(401);
    const { body } = await broker.call(`POST ${keysPath}/verify`, { body: { key: token } });
    expect(body).toMatchObject({ valid: false, code: 'MALFORMED' });
  });
});

test('a rule has the rights of its master key, and no more', async () => {
  const sub = 'system:serviceaccount:edge:narrow';
  await newRule(sub, { permissions: ['keys:verify'] });
  const headers = { authorization: `Bearer ${await issuer.sign({ sub })}` };
  expect((await broker.call(`POST ${keysPath}`, { as: null, headers, body: newOwner() })).status).toBe(403);
  const away = 'system:serviceaccount:edge:elsewhere';
  await newRule(away, { ipAllowlist: ['203.0.113.0/24'] });
  expect(await everywhere(await issuer.sign({ sub: away }))).toEqual(refused);
  const ended = 'system:serviceaccount:edge:ended';
  await newRule(ended, { expiresAt: new Date(Date.now() - 1_000) });
  expect(await everywhere(await issuer.sign({ sub: ended }))).toEqual(refused);
});

test('a token beside a master key is ambiguous; the same token twice is one', async () => {
  const sub = 'system:serviceaccount:edge:both';
  await newRule(sub);
  const token = await issuer.sign({ sub });
  const both = { authorization: `Bearer ${token}`, 'x-flowplate-master-key': broker.masterKey };
  expect(await withHeaders(both)).toEqual([400, 400, 400, 400, 400]);
  const twice = { authorization: `Bearer ${token}`, 'x-flowplate-master-key': token };
  expect(await withHeaders(twice)).toEqual([200, 200, 200, 201, 200]);
  const unrelated = { authorization: 'Bearer of-a-mesh', 'x-flowplate-master-key': broker.masterKey };
  expect((await withHeaders(unrelated)).slice(0, 4)).toEqual([200, 200, 200, 201]);
});

test('503 while the keys of an issuer cannot be read, and never a yes; others are not concerned', async () => {
  await newRule(gateway, {}, { issuer: away.issuer });
  const token = await away.sign();
  expect(await withHeaders({ authorization: `Bearer ${token}` })).toEqual([503, 503, 503, 503, 503]);
  const { status } = await broker.call('GET /v1/flowplate/authz', {
    as: token,
    headers: { 'x-api-key': key },
  });
  expect(status).toBe(503);
  expect(await withHeaders({ 'x-flowplate-master-key': broker.masterKey })).toEqual([
    200, 200, 200, 201, 200,
  ]);
  expect(broker.logLines.join('')).not.toContain(token);
});

test('a token of a revoked rule is refused at once everywhere, and so is its replay; the next rule counts at once', async () => {
  const sub = 'repo:acme/deployer:environment:prod';
  const token = await issuer.sign({ sub });
  for (const pattern of [sub, 'repo:acme/deployer:environment:*', sub]) {
    const { id } = await newRule(pattern);
    for (const at of [broker, other]) expect(await everywhere(token, at)).toEqual(allowed);
    expect((await revokeMasterKey(broker.api.parts, testOrigin, id)).isComplete).toBe(true);
    for (const at of [broker, other, broker, other]) expect(await everywhere(token, at)).toEqual(refused);
  }
});

describe('a rule', () => {
  test.each([
    { subject: '*' },
    { subject: 'repo:acme*' },
    { subject: 'with blanks' },
    { subject: '' },
    { subject: 'a:b', audience: '' },
    { subject: 'a:b', issuer: 'two words' },
  ])('cannot be %j', async ({ subject, ...about }) => {
    await expect(newRule(subject, {}, about)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  test('overlaps no other living one', async () => {
    await newRule('overlap:a:*');
    for (const subject of ['overlap:a:*', 'overlap:a:b', 'overlap:*:b'])
      await expect(newRule(subject), subject).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await newRule('overlap:b:*');
  });

  test('is created and shown at the shell', async () => {
    const subject = 'system:serviceaccount:edge:from-the-shell';
    const names = ['--token-issuer', issuer.issuer, '--token-audience', audience, '--token-subject', subject];
    const run = (...args: string[]) =>
      runScript('scripts/master-keys.ts', { env: broker.env, args: [...args, '--json'] });
    const created = JSON.parse((await run('create', '--name', 'pod', ...names)).stdout);
    expect(created).toMatchObject({ created: true, token: { issuer: issuer.issuer, audience, subject } });
    const listed = JSON.parse((await run('list')).stdout) as { id: string }[];
    expect(listed.find(({ id }) => id === created.master_key_id)).toMatchObject({
      token: `${issuer.issuer} ${audience} ${subject}`,
    });
    expect(await everywhere(await issuer.sign({ sub: subject }))).toEqual(allowed);
    expect((await run('create', '--name', 'half', '--token-issuer', 'x')).code).toBe(2);
  });
});
