import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorkloadRule } from '../../src/usecases/master-keys/create-workload-rule.ts';
import type { MasterKeyRequest } from '../../src/usecases/master-keys/issue-master-key.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { rotateMasterKey } from '../../src/usecases/master-keys/rotate-master-key.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { allRights, startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { type Authority, type Certified, newAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { runScript } from '../support/processes.ts';
import { type TlsCall, tlsClient } from '../support/tls-client.ts';
import { doorPath } from './verify/door.ts';

let directory: string;
let ours: Authority;
let foreign: Authority;
let casFile: string;
/** Without TLS, for what the tests need besides. */
let plain: TestBroker;
let [secure, other]: TestBroker[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  [ours, foreign] = [await newAuthority(directory, 'ours'), await newAuthority(directory, 'foreign')];
  const own = await ours.issue({ subject: '/CN=localhost', alternativeNames: 'DNS:localhost' });
  casFile = join(directory, 'cas.pem');
  await copyFile(ours.certificate, casFile);
  plain = await startBroker();
  atEnd(() => plain.close());
  const tls = { TLS_CERT_FILE: own.certificate, TLS_KEY_FILE: own.key, TLS_CLIENT_CA_FILE: casFile };
  [secure, other] = [await plain.replica(tls), await plain.replica({ ...tls, FAST_LANE: 'off' })];
  for (const replica of [secure, other]) atEnd(() => replica?.close());
});
afterAll(endAll);

let count = 0;
const newId = () => `spiffe://prod/workload-${++count}`;

const withId = (id: string, from = ours) => from.issue({ alternativeNames: `URI:${id}` });

function newRule(certificate: string, request: Partial<MasterKeyRequest> = {}) {
  return createWorkloadRule(plain.api.parts, testOrigin, { ...allRights, ...request, certificate });
}

function client(as: Certified | undefined, at = secure): TlsCall {
  const port = Number(new URL(at?.url ?? '').port);
  const { call, close } = tlsClient(port, { ca: ours.certificate, ...(as && { as }) });
  atEnd(close);
  return call;
}

type Headers = Record<string, string>;

/** A busy machine may miss the deadline of forward auth. */
async function authorize(call: TlsCall, key: string, headers: Headers = {}): Promise<number> {
  const ask = () => call(`GET ${doorPath}`, { headers: { authorization: `Bearer ${key}`, ...headers } });
  return (await eventually(10_000, ask, ({ status }) => status !== 503)).status;
}

/** The statuses of forward auth, JSON verify, batch, introspection and management. */
async function everywhere(call: TlsCall, key: string, headers: Headers = {}): Promise<number[]> {
  const operations: [string, object?][] = [
    [`POST ${keysPath}/verify`, { key }],
    [`POST ${keysPath}/verify/batch`, { keys: [{ key }] }],
    [`GET ${keysPath}?limit=1`],
    [`POST ${keysPath}`, newOwner()],
  ];
  const statuses = [await authorize(call, key, headers)];
  for (const [operation, body] of operations)
    statuses.push((await call(operation, { body, headers })).status);
  return [...statuses, (await introspect(call, key, headers)).status];
}

function introspect(call: TlsCall, key: string, headers: Headers = {}, more: Headers = {}) {
  const form = new URLSearchParams({ token: key, ...more }).toString();
  return call('POST /v1/flowplate/introspect', { form, headers });
}

const allowed = [200, 200, 200, 200, 201, 200];
const refused = [401, 401, 401, 401, 401, 401];

test.each(['with the fast lane', 'without it'])(
  'a rule admits its certificate everywhere without a header, %s',
  async (how) => {
    const id = newId();
    const rule = await newRule(id);
    const { key } = await mint(plain);
    const at = how === 'without it' ? other : secure;
    const call = client(await withId(id), at);
    expect(await everywhere(call, key)).toEqual(allowed);
    const minted = await call(`POST ${keysPath}`, { body: newOwner() });
    const event = await plain.db
      .selectFrom('audit_events')
      .select(['actor_kind', 'actor_id'])
      .where('target_id', '=', minted.body.key_id)
      .executeTakeFirstOrThrow();
    expect(event).toEqual({ actor_kind: 'master_key', actor_id: rule.id });
  },
);

test('a rule can name a subject, as OpenSSL prints it', async () => {
  const as = await ours.issue({ subject: '/O=Example, Inc/OU=Edge/CN=gateway' });
  await newRule('CN=gateway,OU=Edge,O=Example\\, Inc', { name: 'by subject' });
  const { key } = await mint(plain);
  expect(await everywhere(client(as), key)).toEqual(allowed);
});

describe('nobody is admitted', () => {
  const id = newId();
  let key: string;
  beforeAll(async () => {
    await newRule(id);
    await newRule('CN=by-subject');
    ({ key } = await mint(plain));
  });

  test('without a certificate, whatever a header claims', async () => {
    const text = encodeURIComponent(await readFile((await withId(id)).certificate, 'utf8'));
    const claims: Headers[] = [
      {},
      { 'x-forwarded-client-cert': `By=spiffe://prod/us;URI=${id};Cert="${text}"` },
      { 'x-ssl-client-verify': 'SUCCESS', 'x-ssl-client-s-dn': 'CN=by-subject', 'x-ssl-client-cert': text },
      { 'ssl-client-verify': 'SUCCESS', 'ssl-client-subject-dn': 'CN=by-subject', 'ssl-client-cert': text },
      { 'client-cert': `:${text.slice(0, 40)}:`, 'x-client-cert': text, 'x-spiffe-id': id },
      { 'x-flowplate-master-key': id },
      { 'x-flowplate-certificate': id, 'x-flowplate-identity': id },
    ];
    for (const headers of claims) {
      expect(await everywhere(client(undefined), key, headers), JSON.stringify(headers)).toEqual(refused);
      expect((await plain.call(`GET ${keysPath}`, { as: null, headers })).status).toBe(401);
    }
    for (const secret of [id, 'CN=by-subject']) {
      expect((await introspect(client(undefined), key, {}, { client_secret: secret })).status).toBe(401);
    }
  });

  test.each<[string, () => Promise<Certified>]>([
    ['of a foreign CA with the same names', () => withId(id, foreign)],
    ['of a foreign CA with the same subject', () => foreign.issue({ subject: '/CN=by-subject' })],
    ['that has expired', () => ours.issue({ alternativeNames: `URI:${id}`, days: -1 })],
    ['without a rule', () => withId('spiffe://prod/nobody')],
    ['of a longer id', () => withId(`${id}/more`)],
    ['of a shorter id', () => withId(id.slice(0, -1))],
    ['of another trust domain', () => withId(id.replace('//prod', '//stage'))],
    ['of an id in capitals', () => withId(id.toUpperCase())],
    ['of a wildcard', () => withId('spiffe://prod/*')],
    ['of two ids', () => ours.issue({ alternativeNames: `URI:spiffe://prod/nobody,URI:${id}` })],
    ['with the id as a DNS name', () => ours.issue({ alternativeNames: `DNS:${id}` })],
    ['with the id as its subject', () => ours.issue({ subject: `/CN=${id.replaceAll('/', '\\/')}` })],
    ['for servers only', () => ours.issue({ alternativeNames: `URI:${id}`, purpose: 'serverAuth' })],
    [
      'whose subject has a rule, but which has a SPIFFE id',
      () => ours.issue({ subject: '/CN=by-subject', alternativeNames: 'URI:spiffe://prod/nobody' }),
    ],
    ['whose subject only contains one with a rule', () => ours.issue({ subject: '/O=a/CN=by-subject' })],
    [
      'that a certificate issued which is no CA',
      async () => (await issuedByALeaf(id)).issue({ alternativeNames: `URI:${id}` }),
    ],
  ])('by a certificate %s', async (_, issue) => {
    expect(await everywhere(client(await issue()), key)).toEqual(refused);
  });

  async function issuedByALeaf(name: string): Promise<Authority> {
    const leaf = await withId(name);
    const mock = await newAuthority(directory, `leaf-${++count}`);
    await copyFile(leaf.certificate, mock.certificate);
    await copyFile(leaf.key, mock.key);
    const chained = async (...wish: Parameters<Authority['issue']>) => {
      const issued = await mock.issue(...wish);
      const chain = [await readFile(issued.certificate), await readFile(leaf.certificate)];
      await writeFile(issued.certificate, Buffer.concat(chain));
      return issued;
    };
    return { ...mock, issue: chained };
  }
});

test('a rule has the rights of its master key, and no more', async () => {
  const { key, organization_id } = await mint(plain);
  const narrow = newId();
  await newRule(narrow, { permissions: ['keys:verify'], organizationIds: ['org_of_nobody'] });
  const call = client(await withId(narrow));
  expect((await call(`POST ${keysPath}`, { body: newOwner() })).status).toBe(403);
  expect((await call(`POST ${keysPath}/verify`, { body: { key } })).body).toMatchObject({ valid: false });
  const inside = newId();
  await newRule(inside, {
    organizationIds: [organization_id],
    environments: ['test'],
    ipAllowlist: ['127.0.0.1/32'],
  });
  const reader = client(await withId(inside));
  expect((await reader(`POST ${keysPath}/verify`, { body: { key } })).body).toMatchObject({ valid: true });
  const ended = newId();
  await newRule(ended, { expiresAt: new Date(Date.now() - 1_000) });
  const elsewhere = newId();
  await newRule(elsewhere, { ipAllowlist: ['203.0.113.0/24'] });
  for (const id of [ended, elsewhere])
    expect(await everywhere(client(await withId(id)), key), id).toEqual(refused);
});

describe('a secret beside a certificate', () => {
  const id = newId();
  let key: string;
  let call: TlsCall;
  beforeAll(async () => {
    await newRule(id);
    ({ key } = await mint(plain));
    call = client(await withId(id));
  });

  test('of another master key is ambiguous', async () => {
    const headers = { 'x-flowplate-master-key': plain.masterKey };
    expect(await everywhere(call, key, headers)).toEqual([401, 400, 400, 400, 400, 400]);
    const { body } = await call(`GET ${keysPath}`, { headers });
    expect(body.error.code).toBe('AMBIGUOUS_CREDENTIALS');
    const inForm = await introspect(call, key, {}, { client_secret: plain.masterKey });
    expect(inForm.body.error.code).toBe('AMBIGUOUS_CREDENTIALS');
  });

  test('that is wrong is refused, and so are two of them', async () => {
    const wrong = { 'x-flowplate-master-key': `${plain.masterKey}x` };
    expect(await everywhere(call, key, wrong)).toEqual(refused);
    const two = { 'x-flowplate-master-key': `${plain.masterKey}`, 'x-api-key': 'another' };
    expect((await call(`GET ${keysPath}`, { headers: two })).status).toBe(400);
  });

  test('that is empty counts as not sent', async () => {
    expect(await everywhere(call, key, { 'x-flowplate-master-key': '' })).toEqual(allowed);
  });

  test('counts where the certificate has no rule, as in a service mesh', async () => {
    const inMesh = client(await withId('spiffe://prod/in-the-mesh'));
    expect(await everywhere(inMesh, key, { 'x-flowplate-master-key': plain.masterKey })).toEqual(allowed);
    const ofForeign = client(await withId(id, foreign));
    expect(await everywhere(ofForeign, key, { 'x-flowplate-master-key': plain.masterKey })).toEqual(allowed);
  });
});

test('a revoked rule is refused at once everywhere, on open connections too; the next one counts at once', async () => {
  const id = newId();
  const as = await withId(id);
  const { key } = await mint(plain);
  const open = [client(as), client(as, other)];
  for (let round = 0; round < 5; round++) {
    const { id: ruleId } = await newRule(id);
    for (const call of open) expect(await everywhere(call, key)).toEqual(allowed);
    const { isComplete } = await revokeMasterKey(plain.api.parts, testOrigin, ruleId);
    expect(isComplete).toBe(true);
    for (const call of [...open, client(as)]) expect(await everywhere(call, key)).toEqual(refused);
  }
});

test('a CA is replaced under load without a failed call; then the old one counts no more', async () => {
  const next = await newAuthority(directory, 'next');
  const id = newId();
  await newRule(id);
  const [before, after] = [await withId(id), await withId(id, next)];
  const { key } = await mint(plain);
  const trust = async (...authorities: Authority[]) => {
    await writeFile(
      casFile,
      Buffer.concat(await Promise.all(authorities.map((ca) => readFile(ca.certificate)))),
    );
    secure?.reloadTls();
  };
  const statuses: number[] = [];
  let current = before;
  let isOn = true;
  const kept = client(before);
  const loading = (async () => {
    while (isOn) {
      const calls = current === before ? [kept, client(current)] : [client(current), client(current)];
      for (const call of calls)
        statuses.push((await call(`POST ${keysPath}/verify`, { body: { key } })).status);
    }
  })();
  const someCalls = async (from = statuses.length) =>
    void (await eventually(
      20_000,
      () => statuses.length,
      (length) => length > from + 10,
    ));
  await someCalls();
  await trust(ours, next);
  await someCalls();
  current = after;
  await someCalls();
  await trust(next);
  await someCalls();
  isOn = false;
  await loading;
  expect(new Set(statuses)).toEqual(new Set([200]));
  // The connection was made while the CA was trusted, and is still open.
  expect(await everywhere(kept, key)).toEqual(refused);
  expect(await everywhere(client(before), key)).toEqual(refused);
  await trust(ours);
  expect(await everywhere(client(before), key)).toEqual(allowed);
});

describe('a rule', () => {
  test.each([
    'spiffe://prod/*',
    'spiffe://*/a',
    'spiffe://prod/a/../b',
    'spiffe://prod',
    'https://prod/a',
    'CN=*',
    'gateway',
    'CN=a\nO=b',
    '',
  ])('cannot name %j', async (certificate) => {
    await expect(newRule(certificate)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  test('is the only living one of its certificate, and has no secret to rotate', async () => {
    const id = newId();
    const rule = await newRule(id);
    await expect(newRule(id)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    const rotating = rotateMasterKey(plain.api.parts, testOrigin, {
      masterKeyId: rule.id,
      overlapSeconds: 0,
    });
    await expect(rotating).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    expect(await everywhere(client(await withId(id)), (await mint(plain)).key)).toEqual(allowed);
  });

  test('of several that are created at once, one is', async () => {
    const id = newId();
    const made = await Promise.allSettled([1, 2, 3, 4].map(() => newRule(id)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of made) if (one.status === 'rejected') expect(one.reason.code).toBe('VALIDATION_ERROR');
  });

  test('is created, shown and revoked at the shell', async () => {
    const id = newId();
    const run = (...args: string[]) =>
      runScript('scripts/master-keys.ts', { env: plain.env, args: [...args, '--json'] });
    const created = await run(
      'create',
      '--name',
      'mesh',
      '--permissions',
      'keys:verify',
      '--certificate',
      id,
    );
    const { master_key_id: ruleId, ...rest } = JSON.parse(created.stdout);
    expect(rest).toEqual({ created: true, certificate: id });
    const listed = JSON.parse((await run('list')).stdout) as { id: string }[];
    expect(listed.find((one) => one.id === ruleId)).toMatchObject({
      certificate: id,
      prefix: null,
      permissions: 'keys:verify',
    });
    const { key } = await mint(plain);
    const call = client(await withId(id));
    expect(await authorize(call, key)).toBe(200);
    expect(JSON.parse((await run('revoke', ruleId)).stdout)).toMatchObject({ propagation: 'complete' });
    expect(await authorize(call, key)).toBe(401);
  });
});
