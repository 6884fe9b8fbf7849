import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { doorPath } from '../http/verify/door.ts';
import { type Question, verdictCases } from '../http/verify/verdict-cases.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { type Minted, mint, refreshed, revokeEverywhere } from '../support/keys.ts';
import {
  type StartedLocalVerifier,
  startLocalVerifier,
  untilLeaseIsHeld,
} from '../support/local-verifier.ts';
import { type Attributes, type Checked, type Envoy, envoyAt, valuesOf } from './envoy.ts';
import { comparable, exchange, type Got } from './exchange.ts';

let broker: TestBroker;
let local: StartedLocalVerifier;
let onSocket: Envoy;
let overTcp: Envoy;
let plain: Minted;
beforeAll(async () => {
  broker = await startBroker();
  local = await startLocalVerifier({
    brokers: [broker.url],
    masterKey: broker.masterKey,
    grpc: ['unix', '127.0.0.1:0'],
  });
  await untilLeaseIsHeld(local);
  const [socket = '', tcp = ''] = local.grpc;
  [onSocket, overTcp] = [envoyAt(socket), envoyAt(tcp)];
  plain = await mint(broker, { scopes: ['read', 'write'] });
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** The first decision: a busy machine may miss the deadline. */
function decided(attributes: Attributes, envoy = onSocket, masterKey?: string): Promise<Checked> {
  return eventually(
    10_000,
    () => envoy.check(attributes, masterKey),
    ({ denied_response }) => denied_response?.status.code !== 503,
  );
}

const withKey = ({ key }: Pick<Minted, 'key'>, more: Record<string, string> = {}): Attributes => ({
  headers: { 'x-api-key': key, ...more },
});

const identityOf = (who: Minted, scopes: string) => ({
  'x-flowplate-user-id': who.user_id,
  'x-flowplate-organization-id': who.organization_id,
  'x-flowplate-key-id': who.key_id,
  'x-flowplate-environment': 'test',
  'x-flowplate-scopes': scopes,
});

describe('a request that may pass', () => {
  test('has every identity header in the place of its own, and no credential', async () => {
    for (const headers of [{ 'x-api-key': plain.key }, { authorization: `Bearer ${plain.key}` }]) {
      const { status, ok_response } = await decided({ headers });
      expect(status.code).toBe(0);
      expect(valuesOf(ok_response?.headers)).toEqual(identityOf(plain, 'read write'));
      for (const header of ok_response?.headers ?? []) {
        expect([header.append_action, header.keep_empty_value]).toEqual([2, true]);
      }
      expect(ok_response?.headers_to_remove).toEqual([
        'authorization',
        'x-api-key',
        'x-flowplate-master-key',
      ]);
      expect(ok_response?.response_headers_to_add ?? []).toEqual([]);
    }
  });

  test('loses what its client invented, in every spelling, and where the true value is empty', async () => {
    const without = await mint(broker);
    const forged = {
      'x-flowplate-user-id': 'forged',
      'x-flowplate-scopes': 'forged',
      'x-flowplate-code': 'forged',
      x_flowplate_user_id: 'forged',
      'x-flowplate-master-key': broker.masterKey,
    };
    const { ok_response } = await decided(withKey(without, forged));
    expect(valuesOf(ok_response?.headers)).toEqual(identityOf(without, ''));
    expect(ok_response?.headers_to_remove).toEqual(
      expect.arrayContaining(['x-flowplate-scopes', 'x-flowplate-code', 'x_flowplate_user_id']),
    );
    expect(ok_response?.headers_to_remove).not.toContain('x-flowplate-user-id');
  });

  test('tells its client of limits, and of the end of a key that was replaced', async () => {
    const limited = await mint(broker, { rate_limit: { limit: 5, window_seconds: 3_600 } });
    const { ok_response } = await decided(withKey(limited));
    expect(valuesOf(ok_response?.response_headers_to_add)).toMatchObject({
      'RateLimit-Policy': '"rate";q=5;w=3600',
    });
    const old = await mint(broker);
    await refreshed(broker, old, { grace_period_seconds: 600 });
    const { ok_response: inGrace } = await decided(withKey(old));
    expect(Object.keys(valuesOf(inGrace?.response_headers_to_add))).toEqual(['Deprecation', 'Sunset']);
  });
});

describe('a request that may not', () => {
  const rows: [name: string, attributes: () => Attributes][] = [
    ['no key', () => ({ headers: {} })],
    ['an unknown key', () => withKey({ key: newSecret('user', 'test', randomBytes) })],
    ['two keys', () => withKey(plain, { authorization: 'Bearer fl_user_test_x' })],
    ['two keys that Envoy joined', () => withKey({ key: `${plain.key},${plain.key}x` })],
    ['a scope too many', () => withKey(plain, { 'x-flowplate-required-scopes': 'admin' })],
    ['an id of its own', () => ({ headers: { 'x-request-id': 'mine-9' } })],
  ];
  test.each(rows)('%s: the answer of forward auth', async (_name, attributes) => {
    expectSame(await decided(attributes()), await byForwardAuth(attributes()));
  });

  test.each(verdictCases(() => broker))('%s: as %s at forward auth', async (_name, _code, question) => {
    const asked = await question();
    if (!/^[\x21-\x7e]*$/.test(asked.key) || asked.key.length > 10_000) return;
    const attributes = { headers: headersOf(asked) };
    const [byEnvoy, byHttp] = [await decided(attributes), await byForwardAuth(attributes)];
    if (byHttp.status === 200) expect(byEnvoy.status.code).toBe(0);
    else expectSame(byEnvoy, byHttp);
  });

  test('a revoked key is refused in the first check after the revoke has answered', async () => {
    const { key, key_id } = await mint(broker);
    expect((await decided(withKey({ key }))).status.code).toBe(0);
    await revokeEverywhere(broker, key_id);
    const { status, denied_response } = await decided(withKey({ key }));
    expect([status.code, denied_response?.status.code]).toEqual([16, 401]);
  });

  /** From the API, over HTTP. */
  function byForwardAuth({ headers = {} }: Attributes): Promise<Got> {
    const lines = Object.entries({ 'x-flowplate-master-key': broker.masterKey, ...headers });
    return eventually(
      10_000,
      () => exchange(broker, { path: doorPath, headers: lines }),
      ({ status }) => status !== 503,
    );
  }

  function expectSame({ status, denied_response }: Checked, byHttp: Got): void {
    expect(status.code).not.toBe(0);
    const byEnvoy = {
      status: denied_response?.status.code ?? 0,
      headers: Object.entries(valuesOf(denied_response?.headers)).map(([name, value]) => `${name}: ${value}`),
      body: denied_response?.body ?? '',
    };
    const ofConnection = /^(Content-Length|Connection|Keep-Alive): /;
    const headers = byHttp.headers.filter((line) => !ofConnection.test(line));
    expect(comparable(byEnvoy)).toEqual(comparable({ ...byHttp, headers }));
  }
});

function headersOf({ key, scopes, organization_id, environment, ip }: Question): Record<string, string> {
  return {
    'x-api-key': key,
    ...(ip !== undefined && { 'x-forwarded-for': ip }),
    ...(scopes !== undefined && { 'x-flowplate-required-scopes': scopes.join(' ') }),
    ...(organization_id !== undefined && { 'x-flowplate-required-organization': organization_id }),
    ...(environment !== undefined && { 'x-flowplate-required-environment': environment }),
  };
}

describe('what Envoy sends', () => {
  test('headers as raw bytes are read too', async () => {
    const pair = (key: string, value: string) => ({ key, raw_value: Buffer.from(value, 'latin1') });
    const headers = [pair(':method', 'GET'), pair('x-api-key', plain.key)];
    expect((await decided({ header_map: { headers } })).status.code).toBe(0);
    const twice = [...headers, pair('x-api-key', 'other')];
    expect((await decided({ header_map: { headers: twice } })).denied_response?.status.code).toBe(401);
  });

  test('demands of a route come in its context, and those of a client only add to them', async () => {
    const demanding = (scopes: string): Attributes => ({
      ...withKey(plain, { 'x-flowplate-required-scopes': 'read' }),
      context_extensions: { 'x-flowplate-required-scopes': scopes, unrelated: 'x' },
    });
    expect((await decided(demanding('write'))).status.code).toBe(0);
    expect((await decided(demanding('admin'))).denied_response?.status.code).toBe(403);
  });

  test("the end client's address is the last forwarded one, else that of the connection", async () => {
    const bound = await mint(broker, { ip_allowlist: ['198.51.100.0/24'] });
    const code = async (attributes: Attributes) => (await decided(attributes)).status.code;
    expect(await code({ ...withKey(bound), source: '198.51.100.7' })).toBe(0);
    expect(await code({ ...withKey(bound), source: '192.0.2.1' })).toBe(7);
    const forwarded = (list: string) => withKey(bound, { 'x-forwarded-for': list });
    expect(await code({ ...forwarded('192.0.2.1,198.51.100.7'), source: '192.0.2.1' })).toBe(0);
    expect(await code({ ...forwarded('198.51.100.7,192.0.2.1'), source: '198.51.100.7' })).toBe(7);
  });
});

test('a check with more headers than Envoy takes is refused as a whole', async () => {
  await expect(onSocket.check(withKey({ key: 'x'.repeat(300_000) }))).rejects.toMatchObject({ code: 8 });
  expect((await decided(withKey(plain))).status.code).toBe(0);
});

describe('the listener', () => {
  test('its socket has mode 0660 and needs no master key; TCP needs one, in the metadata and not in a header', async () => {
    const path = (local.grpc[0] ?? '').replace('unix:', '');
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('660');
    const inHeader = withKey(plain, { 'x-flowplate-master-key': broker.masterKey });
    for (const [attributes, masterKey] of [
      [withKey(plain), undefined],
      [withKey(plain), newSecret('master', 'test', randomBytes)],
      [inHeader, undefined],
    ] as const) {
      const { status, denied_response } = await decided(attributes, overTcp, masterKey);
      expect([status.code, denied_response?.status.code]).toEqual([16, 401]);
      expect(valuesOf(denied_response?.headers)['x-flowplate-code']).toBe('gateway_unknown');
    }
    expect((await decided(withKey(plain), overTcp, broker.masterKey)).status.code).toBe(0);
  });

  test('tells probes whether it verifies, and ends in order under a kept connection', async () => {
    expect(await onSocket.health()).toBe(1);
    expect(await overTcp.health('envoy.service.auth.v3.Authorization')).toBe(1);
    await expect(overTcp.health('other')).rejects.toMatchObject({ code: 5 });
    local.kill('SIGTERM');
    expect(await local.exited).toEqual({ code: 0, signal: null });
    expect(local.stderr()).toBe('');
  });
});
