import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { createApiUser, firstApiAdmin } from '../../support/api-users.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { keysPath, mint, refreshed, verify } from '../../support/keys.ts';
import { leaksPath, reporterSecret, reportLeak, signed, withReporter } from '../../support/leaks.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

const scanner = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const identifier = 'f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d';
let keyReads = 0;
let scannerServer: Server;
let broker: TestBroker;

beforeAll(async () => {
  scannerServer = createServer((_req, res) => {
    keyReads += 1;
    const key = scanner.publicKey.export({ type: 'spki', format: 'pem' });
    res.end(JSON.stringify({ public_keys: [{ key_identifier: identifier, key, is_current: true }] }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => scannerServer.once('listening', resolve));
  const { port } = scannerServer.address() as AddressInfo;
  broker = await startBroker({ ...withReporter, LEAK_GITHUB_KEYS_URL: `http://127.0.0.1:${port}/keys` });
});
afterAll(async () => {
  await broker.close();
  scannerServer.close();
});

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const eventsAbout = (id: string) =>
  broker.db
    .selectFrom('audit_events')
    .select(['event_type', 'details', 'actor_kind', 'actor_id'])
    .where('target_id', '=', id)
    .orderBy('id')
    .execute();
const typesAbout = async (id: string) => (await eventsAbout(id)).map(({ event_type }) => event_type).sort();

function asScanner(body: string, keyId = identifier, by = scanner.privateKey) {
  return {
    'github-public-key-identifier': keyId,
    'github-public-key-signature': sign('sha256', Buffer.from(body), by).toString('base64'),
  };
}
const send = (body: string, headers: Record<string, string>) =>
  broker.call(`POST ${leaksPath}`, { as: null, body, headers });

describe('401: one answer for every body that nobody we know has signed', () => {
  const body = JSON.stringify([{ token: 'x' }]);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  test.each<[string, () => Record<string, string>]>([
    ['no signature', () => ({})],
    ['another body', () => signed(`${body} `)],
    ['another secret', () => signed(body, Date.now(), randomBytes(32))],
    ['an unknown reporter', () => ({ 'x-flowplate-signature': 'reporter=x,t=1,v1='.padEnd(82, '0') })],
    ['nonsense', () => ({ 'x-flowplate-signature': 'nonsense' })],
    ['more than five minutes ago', () => signed(body, Date.now() - 302_000)],
    ['more than five minutes ahead', () => signed(body, Date.now() + 302_000)],
    ["a key that is not the scanner's", () => asScanner(body, identifier, other)],
    ['another body of the scanner', () => asScanner(`${body} `)],
    ['an identifier without a signature', () => ({ 'github-public-key-identifier': identifier })],
    ['a master key', () => ({ 'x-flowplate-master-key': broker.masterKey })],
  ])('%s', async (_what, headers) => {
    expectError(await send(body, headers()), 401, 'AUTHENTICATION_REQUIRED');
  });

  test('an identifier that the scanner does not have costs one read of its keys a minute', async () => {
    for (const keyId of ['1', '2', '3']) expect((await send(body, asScanner(body, keyId))).status).toBe(401);
    expect(keyReads).toBe(1);
  });
});

test('409: a report counts once, also when a scanner signs it anew', async () => {
  const { key, key_id } = await mint(broker);
  const body = JSON.stringify([{ token: key, type: 'flowplate_user_key' }]);
  expect((await send(body, asScanner(body))).status).toBe(200);
  await broker.call(`POST ${keysPath}/${key_id}/release`);
  expectError(await send(body, asScanner(body)), 409, 'REPORT_ALREADY_RECEIVED');
  expect((await verify(broker, key)).code).toBe('VALID');
});

test('413: a body of more than 64 KiB is refused', async () => {
  const body = JSON.stringify([{ token: 'x'.repeat(4_000), note: 'x'.repeat(65_000) }]);
  expectError(await send(body, signed(body)), 413, 'PAYLOAD_TOO_LARGE');
});

test('422: a report names at least one token', async () => {
  for (const body of ['[]', '[{}]', '{}']) {
    expectError(await send(body, signed(body)), 422, 'VALIDATION_ERROR');
  }
});

test('a reported key is refused when the report is answered, and its owner can be told why', async () => {
  const { key, key_id } = await mint(broker);
  expect((await verify(broker, key)).code).toBe('VALID');
  const url = 'https://user:pass@github.com/o/r/blob/1/a.txt?token=secret#L1';
  const answer = await reportLeak(broker, { token: key, type: 'flowplate_user_key', url, source: 'content' });
  expect(answer).toMatchObject({
    status: 200,
    body: [{ token_hash: hashOf(key), token_type: 'flowplate_user_key', label: 'true_positive' }],
  });
  expect(await verify(broker, key)).toEqual({ valid: false, code: 'QUARANTINED' });
  const [, leaked, quarantined] = (await eventsAbout(key_id))
    .sort((one, other) => (one.event_type < other.event_type ? -1 : 1))
    .sort(
      (one, other) => Number(other.event_type === 'key.minted') - Number(one.event_type === 'key.minted'),
    );
  expect(leaked).toMatchObject({
    event_type: 'key.leaked',
    actor_kind: 'system',
    actor_id: 'reporter:tests',
    details: {
      reporter: 'tests',
      source: 'content',
      url: 'https://github.com/o/r/blob/1/a.txt',
      action: 'quarantined',
    },
  });
  expect(quarantined).toMatchObject({ event_type: 'key.quarantined' });
});

test('foreign, malformed and unknown tokens are false positives; keys that have ended are ours', async () => {
  const revoked = await mint(broker);
  await broker.call(`DELETE ${keysPath}/${revoked.key_id}`);
  const { key } = await mint(broker);
  const tokens = [newSecret('user', 'test', randomBytes), `${key}x`, 'ghp_1', revoked.key, key, key];
  const { body } = await reportLeak(broker, ...tokens);
  expect(body.map(({ label }: { label: string }) => label)).toEqual([
    ...['false_positive', 'false_positive', 'false_positive'],
    ...['true_positive', 'true_positive', 'true_positive'],
  ]);
  expect((await verify(broker, revoked.key)).code).toBe('REVOKED');
  expect(await typesAbout(revoked.key_id)).toEqual(['key.leaked', 'key.minted', 'key.revoked']);
});

test('keys of other kinds are revoked, a master key is told of, and the last admin keeps the key', async () => {
  const [tenant, platform] = [await tenantKey(broker, 'org_leak'), await platformKey(broker)];
  const admin = await firstApiAdmin(broker);
  const user = await createApiUser(broker, admin, { name: 'Jane Quibblethorpe' });
  const master = await broker.createMasterKey({ name: 'leaked' });
  const tokens = [tenant.secret, platform.secret, user.key, admin.key, master.secret];
  const { body } = await reportLeak(broker, ...tokens);
  expect(new Set(body.map(({ label }: { label: string }) => label))).toEqual(new Set(['true_positive']));
  const codes = await Promise.all(tokens.slice(0, 4).map(async (key) => (await verify(broker, key)).code));
  expect(codes).toEqual(['REVOKED', 'REVOKED', 'REVOKED', 'VALID']);
  expect((await broker.call(`GET ${keysPath}`, { as: master.secret })).status).toBe(200);
  expect(await typesAbout(master.id)).toEqual(['key.leaked', 'master_key.created']);
  const events = await broker.db.selectFrom('audit_events').select('details').execute();
  expect(JSON.stringify(events), 'a name of a person').not.toContain('Quibblethorpe');
  const rotate = `POST /users/${user.id}/rotate-key`;
  const rotated = await broker.call(rotate, { as: null, headers: { 'x-api-key': admin.key } });
  expect((await verify(broker, rotated.body.api_key)).code).toBe('VALID');
});

test('a report that names all admins among the API users leaves one of them, who can call', async () => {
  await broker.db.deleteFrom('api_users').execute();
  const first = await firstApiAdmin(broker);
  const second = await createApiUser(broker, first, { role: 'admin' });
  await reportLeak(broker, first.key, second.key);
  const codes = await Promise.all([first, second].map(async ({ key }) => (await verify(broker, key)).code));
  expect(codes).toEqual(['REVOKED', 'VALID']);
  expect(await typesAbout(first.id)).toEqual(
    expect.arrayContaining(['api_user.key_revoked', 'api_user.updated']),
  );
  const asSecond = { as: null, headers: { 'x-api-key': second.key } };
  const { body } = await broker.call(`GET /users/${first.id}`, asSecond);
  expect(body.is_active).toBe(false);
});

test('a report that broke off and is sent again takes no release back', async () => {
  const [first, second] = [await mint(broker), await mint(broker)];
  const body = JSON.stringify([{ token: first.key }, { token: second.key }]);
  const headers = signed(body);
  const call = () => broker.call(`POST ${leaksPath}`, { as: null, body, headers });
  expect((await call()).status).toBe(200);
  expect((await broker.call(`POST ${keysPath}/${first.key_id}/release`)).status).toBe(200);
  // As if the process had been killed before its end.
  await sql`DELETE FROM leak_reports WHERE signature = (
    SELECT signature FROM leak_reports ORDER BY seen_at DESC LIMIT 1)`.execute(broker.db);
  expect((await call()).body).toMatchObject([{ label: 'true_positive' }, { label: 'true_positive' }]);
  expect((await verify(broker, first.key)).code).toBe('VALID');
  expect((await verify(broker, second.key)).code).toBe('QUARANTINED');
});

test.each([
  ['revoke', 'REVOKED', 401],
  ['notify', 'VALID', 200],
] as const)('with LEAK_ACTION %s a key of a user is %s', async (LEAK_ACTION, code, status) => {
  const other = await broker.replica({ LEAK_ACTION });
  const [{ key, key_id }, master] = [await mint(broker), await broker.createMasterKey()];
  const inQuarantine = await mint(broker);
  await reportLeak(broker, inQuarantine.key);
  expect((await reportLeak(other, key, master.secret, inQuarantine.key)).status).toBe(200);
  expect((await verify(broker, key)).code).toBe(code);
  expect((await broker.call(`GET ${keysPath}`, { as: master.secret })).status).toBe(status);
  expect((await verify(broker, inQuarantine.key)).code).toBe(code === 'VALID' ? 'QUARANTINED' : code);
  expect(await typesAbout(key_id)).toContain('key.leaked');
  await other.close();
});

test('the token of a report is nowhere kept', async () => {
  const { key, key_id } = await mint(broker);
  const hidden = key.slice(-30);
  const unknown = newSecret('user', 'test', randomBytes);
  const url = `https://example.com/${key}`;
  await reportLeak(broker, { token: key, url, source: key, type: key }, { token: unknown, url });
  const rows = JSON.stringify([
    await broker.db.selectFrom('audit_events').selectAll().execute(),
    await broker.db.selectFrom('leak_reports').selectAll().execute(),
  ]);
  for (const text of [rows, broker.logLines.join('\n')]) {
    expect(text).not.toContain(hidden);
    expect(text).not.toContain(unknown.slice(-30));
    expect(text).not.toContain(reporterSecret.toString('base64url'));
  }
  const leaked = (await eventsAbout(key_id)).find(({ event_type }) => event_type === 'key.leaked');
  expect(leaked?.details).toMatchObject({ url: null, source: null });
});

describe('a key that waits for its first use', () => {
  const waitingKey = async () => {
    const old = await mint(broker);
    return { old, next: await refreshed(broker, old, { activate: 'on_first_use' }) };
  };

  test('is dropped, with its events, and the key before it goes on', async () => {
    const { old, next } = await waitingKey();
    const { status, body } = await reportLeak(broker, next.key);
    expect([status, body]).toEqual([200, [expect.objectContaining({ label: 'true_positive' })]]);
    expect((await verify(broker, next.key)).code).toBe('NOT_FOUND');
    expect((await verify(broker, old.key)).code).toBe('VALID');
    expect(await typesAbout(next.key_id)).toEqual(
      expect.arrayContaining(['key.leaked', 'key.refreshed', 'key.revoked']),
    );
    const again = await refreshed(broker, old, { activate: 'on_first_use' });
    expect((await verify(broker, again.key)).code).toBe('VALID');
  });

  test('that was used before the report is quarantined', async () => {
    const { next } = await waitingKey();
    expect((await verify(broker, next.key)).code).toBe('VALID');
    await reportLeak(broker, next.key);
    expect((await verify(broker, next.key)).code).toBe('QUARANTINED');
  });

  test('waits on with LEAK_ACTION notify', async () => {
    const other = await broker.replica({ LEAK_ACTION: 'notify' });
    const { next } = await waitingKey();
    await reportLeak(other, next.key);
    await other.close();
    expect(await typesAbout(next.key_id)).toContain('key.leaked');
    expect((await verify(broker, next.key)).code).toBe('VALID');
  });
});
