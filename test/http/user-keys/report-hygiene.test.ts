import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { backdate } from '../../support/backdate.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { keysPath, mint as mintAny, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { lapsedVerifier, reportUsage } from '../verifiers/verifier-calls.ts';

const path = `${keysPath}/hygiene`;
const organization_id = 'org_hygiene';
const dayMs = 86_400_000;

let broker: TestBroker;
const keys: Record<string, string> = {};

beforeAll(async () => {
  broker = await startBroker();
  const withEnd = { ttl_seconds: 400 * 86_400 };
  let users = 0;
  const mint = (body: object = {}) =>
    mintAny(broker, { user_id: `usr_of_${users++}`, organization_id, ...body });
  const used = await mint(withEnd);
  await verify(broker, used.key);
  await broker.settleUsage();
  keys.unused = await backdate(broker, used, 100);
  keys.neverUsed = await backdate(broker, await mint(withEnd), 100);
  keys.ancient = await backdate(broker, await mint(withEnd), 380);
  keys.expiring = (await mint({ ttl_seconds: 86_400 })).key_id;
  const endless = await mint();
  await update(broker, endless.key_id, { enabled: false });
  keys.withoutExpiry = endless.key_id;
  await mint(withEnd);
  await revoke(broker, (await mint()).key_id);
});
afterAll(() => broker.close());

testAccess(() => broker, `GET ${path}`, 'keys:read');

type Found = { key_id: string; findings: string[] };
const report = async (query = '') => {
  const { body, status } = await broker.call(`GET ${path}?organization_id=${organization_id}${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return Object.fromEntries(body.data.map(({ key_id, findings }: Found) => [key_id, findings]));
};

test('422: days are whole numbers, and findings have names', async () => {
  expectViolations(await broker.call(`GET ${path}?unused_days=0`), 'unused_days');
  expectViolations(await broker.call(`GET ${path}?finding=old`), 'finding');
});

test('active keys are reported with all that is wrong with them, and no others', async () => {
  expect(await report()).toEqual({
    [keys.unused as string]: ['unused'],
    [keys.neverUsed as string]: ['never_used'],
    [keys.ancient as string]: ['never_used', 'beyond_age'],
    [keys.expiring as string]: ['expiring'],
    [keys.withoutExpiry as string]: ['without_expiry'],
  });
});

test.each([
  ['never_used', ['ancient', 'neverUsed']],
  ['unused', ['unused']],
  ['expiring', ['expiring']],
  ['without_expiry', ['withoutExpiry']],
  ['beyond_age', ['ancient']],
  ['never_used&unused_days=200', ['ancient']],
  ['beyond_age&age_days=90', ['ancient', 'neverUsed', 'unused']],
])('finding=%s', async (finding, expected) => {
  const ids = Object.keys(await report(`&finding=${finding}`));
  expect(ids.sort()).toEqual(expected.map((name) => keys[name]).sort());
});

test('pages lead through the whole report', async () => {
  const ids: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await broker.call(`GET ${path}?organization_id=${organization_id}&limit=2${cursor}`);
    ids.push(...body.data.map(({ key_id }: Found) => key_id));
    if (body.next_cursor === null) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  expect(ids.sort()).toEqual(Object.values(keys).sort());
});

test('it comes as CSV, and to the platform as a bare array', async () => {
  const own = { accept: 'text/csv', 'x-flowplate-master-key': broker.masterKey };
  const csv = await fetch(`${broker.url}${path}?organization_id=${organization_id}`, { headers: own });
  const [header, ...lines] = (await csv.text()).trim().split('\r\n');
  expect(header?.endsWith(',findings')).toBe(true);
  expect(lines).toHaveLength(5);
  expect(lines.some((line) => line.endsWith(',never_used beyond_age'))).toBe(true);
  const { headers } = await platformKey(broker);
  const { body } = await broker.call('GET /api/v1/platform/hidden-keys/hygiene?finding=unused', {
    as: null,
    headers,
  });
  expect(body).toMatchObject([{ key_id: keys.unused, findings: ['unused'] }]);
});

test('a gateway that accepts an old key in its grace is named with its key, since when, and until when', async () => {
  const old = await mintAny(broker, { ttl_seconds: 86_400 * 90 });
  const { organization_id, key_id: line } = old;
  const asked = `GET ${path}?organization_id=${organization_id}&finding=predecessor_used`;
  await verify(broker, old.key);
  const successor = await refreshed(broker, old, { grace_period_seconds: 3_600 });
  await broker.settleUsage();
  expect((await broker.call(asked)).body.data).toEqual([]);

  const gateway = await broker.createMasterKey({ permissions: ['keys:verify'] });
  const since = Date.now();
  for (let calls = 0; calls < 2; calls++) {
    const { code } = await verify(broker, old.key, {}, { as: gateway.secret });
    expect(code).toBe('SUPERSEDED');
  }
  const verifier = await lapsedVerifier(broker);
  const minute_ms = Math.floor(since / 60_000) * 60_000;
  const sum = { minute_ms, code: 'SUPERSEDED', lines: [[line, 3, 3, 0, 1]] };
  expect((await reportUsage(broker, verifier, [sum])).status).toBe(204);
  await broker.settleUsage();

  const { body } = await broker.call(asked);
  expect(body.data).toMatchObject([{ key_id: successor.key_id, findings: ['predecessor_used'] }]);
  const [own, embedded] = body.data[0].predecessor_uses;
  expect(own).toMatchObject({ key_id: old.key_id, key_prefix: old.key_prefix, master_key_id: gateway.id });
  // By the clock of the database, which this process estimates.
  expect(Math.abs(Date.parse(own.first_used_at) - since)).toBeLessThan(60_000);
  expect(Date.parse(own.superseded_until) - since).toBeGreaterThan(3_500_000);
  expect(embedded).toMatchObject({ key_id: old.key_id, first_used_at: new Date(minute_ms).toISOString() });
  expect(embedded.master_key_id).not.toBe(gateway.id);

  await revoke(broker, successor.key_id);
  expect((await broker.call(asked)).body.data).toEqual([]);
});

test('a key is due at the longest age of its organization or its master key, the earlier one, and goes on', async () => {
  const { headers } = await platformKey(broker);
  const asOperator = (operation: string, body: object) => broker.call(operation, { as: null, headers, body });
  const minter = await broker.createMasterKey();
  const [owner, other] = [await mintAny(broker), await mintAny(broker)];
  const place = { organization_id: owner.organization_id };
  const withEnd = { ...place, ttl_seconds: 400 * 86_400 };
  const young = await mintAny(broker, withEnd);
  const middle = await mintAny(broker, { ...withEnd, user_id: 'usr_middle' });
  const old = await mintAny(broker, { ...withEnd, user_id: 'usr_old' }, { as: minter.secret });
  const ids = {
    young: young.key_id,
    middle: await backdate(broker, middle, 80),
    old: await backdate(broker, old, 40),
  };
  const asked = `GET ${path}?organization_id=${owner.organization_id}&unused_days=9999`;
  const dues = async (finding: string) => {
    const { body } = await broker.call(`${asked}&finding=${finding}`);
    return body.data.map((key: { key_id: string; created_at: string; rotation_due_at: string }) => [
      key.key_id,
      (Date.parse(key.rotation_due_at) - Date.parse(key.created_at)) / dayMs,
    ]);
  };
  expect(await dues('overaged')).toEqual([]);

  const policy = { key_age_seconds_max: 90 * 86_400 };
  await asOperator(`PUT /api/v1/platform/tenants/${owner.organization_id}/policy`, policy);
  const bounds = { key_age_seconds_max: 30 * 86_400 };
  const updated = await asOperator(`PATCH /api/v1/platform/master-keys/${minter.id}`, bounds);
  expect(updated.body, JSON.stringify(updated.body)).toMatchObject(bounds);
  expect(await dues('overaged')).toEqual([[ids.old, 30]]);
  expect(await dues('rotation_due')).toEqual([[ids.middle, 90]]);
  expect((await verify(broker, old.key)).code).toBe('VALID');
  const elsewhere = await broker.call(`GET ${path}?organization_id=${other.organization_id}`);
  expect(elsewhere.body.data[0].rotation_due_at).toBeNull();

  const rotated = await asOperator(`POST /api/v1/platform/master-keys/${minter.id}/rotate`, {});
  expect(rotated.body).toMatchObject(bounds);
  await asOperator(`PATCH /api/v1/platform/master-keys/${rotated.body.id}`, { key_age_seconds_max: null });
});
