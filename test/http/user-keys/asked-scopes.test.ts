import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askedScopesMax } from '../../../src/domain/asked-scope.ts';
import { authorizePath } from '../../../src/domain/forward-auth/authorize-path.ts';
import { pruneAskedScopes } from '../../../src/usecases/upkeep/prune-asked-scopes.ts';
import { watchAskedScopes } from '../../../src/usecases/upkeep/watch-asked-scopes.ts';
import { exchange } from '../../local-verifier/exchange.ts';
import { embedHoldingLease, warm } from '../../sdk/embedded.ts';
import { newLink } from '../../sdk/link.ts';
import { endAll } from '../../support/at-end.ts';
import { backdate } from '../../support/backdate.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath, type Minted, mint, newOwner, verify } from '../../support/keys.ts';
import { startLocalVerifier, untilLeaseIsHeld } from '../../support/local-verifier.ts';
import { setStatus } from '../../support/organization-status.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { register } from '../verifiers/verifier-calls.ts';

const path = `${keysPath}/hygiene`;

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
});
afterAll(async () => {
  await endAll();
  await replica.close();
  await broker.close();
});

/** A key that is 100 days old. */
async function oldKey(scopes: readonly string[], owner: object = {}): Promise<Minted> {
  const minted = await mint(broker, { scopes, ttl_seconds: 86_400 * 90, ...owner });
  return { ...minted, key_id: await backdate(broker, minted, 100) };
}

const watch = () => watchAskedScopes({ db: broker.db });

/** As if the record had begun, and begun anew, so much earlier. */
const moveRecordsBack = (days: number) =>
  sql`UPDATE scope_records SET since = since - make_interval(days => ${days})`.execute(broker.db);

const moveAskedBack = (organizationId: string, scope: string, days: number) =>
  sql`UPDATE asked_scopes SET asked_on = asked_on - ${days}::int
    WHERE organization_id = ${organizationId} AND scope = ${scope}`.execute(broker.db);

async function asked(organizationId: string): Promise<string[]> {
  await broker.api.flushUsage();
  await replica.api.flushUsage();
  const rows = await broker.db
    .selectFrom('asked_scopes')
    .select('scope')
    .where('organization_id', '=', organizationId)
    .orderBy('scope')
    .execute();
  return rows.map(({ scope }) => scope);
}

async function report(organizationId: string, query = '') {
  await broker.api.flushUsage();
  await replica.api.flushUsage();
  const answer = await broker.call(`GET ${path}?organization_id=${organizationId}&unused_days=999${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Unasked scopes by key, of the keys with that finding. */
async function unasked(organizationId: string, query = ''): Promise<Record<string, string[]>> {
  const { data } = await report(organizationId, `&finding=scope_unasked${query}`);
  for (const { findings } of data) expect(findings).toContain('scope_unasked');
  return Object.fromEntries(data.map((key: Found) => [key.key_id, key.unasked_scopes]));
}
type Found = { key_id: string; unasked_scopes: string[] };

async function recordedSince(organizationId: string): Promise<number> {
  return Date.parse((await report(organizationId)).scopes_recorded_since);
}

test('nothing is called unasked before gateways were listened to for so long, and the answer says since when', async () => {
  const { organization_id, key } = await oldKey(['read', 'write']);
  await verify(broker, key, { scopes: ['read'] });
  expect(await report(organization_id, '&finding=scope_unasked')).toEqual({
    data: [],
    next_cursor: null,
    scopes_recorded_since: null,
  });
  const beganMs = Date.now();
  await watch();
  await watch();
  expect(Math.abs((await recordedSince(organization_id)) - beganMs)).toBeLessThan(60_000);
  await moveRecordsBack(29);
  expect(await unasked(organization_id)).toEqual({});
  const { data } = await report(organization_id, '&age_days=90');
  expect(data).toMatchObject([{ findings: ['beyond_age'], unasked_scopes: null }]);
  expect(Date.parse(data[0].scopes_recorded_since)).toBe(await recordedSince(organization_id));
  await moveRecordsBack(2);
  expect(Object.values(await unasked(organization_id))).toEqual([['write']]);
  await moveRecordsBack(70);
});

test('a scope that any process was asked for is none of them, for the time that is asked about', async () => {
  const one = await oldKey(['z:last', 'read', 'a:first']);
  const { organization_id } = one;
  const other = await oldKey(['read', 'write'], { organization_id, user_id: 'usr_other' });
  await verify(broker, one.key, { scopes: ['read'] });
  expect(await unasked(organization_id)).toEqual({
    [one.key_id]: ['z:last', 'a:first'],
    [other.key_id]: ['write'],
  });
  await verify(replica, one.key, { scopes: ['a:first', 'z:last'] });
  expect(await unasked(organization_id)).toEqual({ [other.key_id]: ['write'] });
  await moveAskedBack(organization_id, 'z:last', 40);
  expect(await unasked(organization_id)).toEqual({ [one.key_id]: ['z:last'], [other.key_id]: ['write'] });
  expect(await unasked(organization_id, '&unasked_days=60')).toEqual({ [other.key_id]: ['write'] });
  expect(await unasked(organization_id, '&unasked_days=101')).toEqual({});
});

test('a call that is refused asks for nothing, and neither does one that names no scope', async () => {
  const one = await oldKey(['read', 'write']);
  const { organization_id } = one;
  await verify(broker, one.key, { scopes: ['read'] });
  await verify(broker, one.key);
  for (const scopes of [['admin'], ['write', 'admin']]) {
    expect((await verify(broker, one.key, { scopes })).code).toBe('INSUFFICIENT_SCOPE');
  }
  expect(await asked(organization_id)).toEqual(['read']);
  expect(await unasked(organization_id)).toEqual({ [one.key_id]: ['write'] });
});

test('nothing is said of a young key, and of organizations where no gateway asks for any scope', async () => {
  const old = await oldKey(['read', 'write']);
  const { organization_id } = old;
  expect(await unasked(organization_id)).toEqual({});
  expect((await report(organization_id, '&age_days=90')).data).toMatchObject([{ unasked_scopes: null }]);
  const young = await mint(broker, { ...newOwner(), organization_id, scopes: ['read', 'delete'] });
  await verify(broker, young.key, { scopes: ['read'] });
  expect(await unasked(organization_id)).toEqual({ [old.key_id]: ['write'] });
  await moveAskedBack(organization_id, 'read', 40);
  expect(await unasked(organization_id)).toEqual({});
});

test('an organization has its own scopes, and a caller sees those of its organizations alone', async () => {
  const [own, other] = [await oldKey(['read', 'write']), await oldKey(['read', 'write'])];
  await verify(broker, own.key, { scopes: ['read'] });
  await verify(broker, other.key, { scopes: ['write'] });
  expect(await unasked(own.organization_id)).toEqual({ [own.key_id]: ['write'] });
  expect(await unasked(other.organization_id)).toEqual({ [other.key_id]: ['read'] });
  const { secret: as } = await broker.createMasterKey({ organizationIds: [own.organization_id] });
  const seen = await broker.call(`GET ${path}?finding=scope_unasked`, { as });
  expect(seen.body.data).toMatchObject([{ key_id: own.key_id, unasked_scopes: ['write'] }]);
});

test('it comes as CSV, and to the platform with a header that says since when', async () => {
  const { organization_id, key, key_id } = await oldKey(['read', 'a:b', 'c:d']);
  await verify(broker, key, { scopes: ['read'] });
  const since = new Date(await recordedSince(organization_id)).toISOString();
  const headers = { accept: 'text/csv', 'x-flowplate-master-key': broker.masterKey };
  const csv = await fetch(`${broker.url}${path}?organization_id=${organization_id}`, { headers });
  const [names, line] = (await csv.text()).trim().split('\r\n');
  expect(names?.endsWith(',unasked_scopes,scopes_recorded_since,findings')).toBe(true);
  expect(line).toContain(`,a:b c:d,${since},`);
  expect(line).toMatch(/scope_unasked$/);
  const operator = await platformKey(broker);
  const answer = await broker.call(
    `GET /api/v1/platform/hidden-keys/hygiene?organization_id=${organization_id}&finding=scope_unasked`,
    { as: null, headers: operator.headers },
  );
  expect(answer.body).toMatchObject([{ key_id, unasked_scopes: ['a:b', 'c:d'] }]);
  expect(answer.headers.get('x-flowplate-scopes-recorded-since')).toBe(since);
});

test('an embedded and a local verifier report what they accepted by themselves', async () => {
  const [one, other] = [
    await mint(broker, { scopes: ['read', 'write'] }),
    await mint(broker, { scopes: ['read'] }),
  ];
  const verifier = await embedHoldingLease(broker);
  await warm(verifier, one.key);
  expect(verifier.verifyNow({ key: one.key, scopes: ['write'] })?.code).toBe('VALID');
  expect(verifier.verifyNow({ key: one.key, scopes: ['admin'] })?.code).toBe('INSUFFICIENT_SCOPE');
  const local = await startLocalVerifier({ brokers: [broker.url], masterKey: broker.masterKey });
  await untilLeaseIsHeld(local);
  const headers: [string, string][] = [
    ['x-api-key', other.key],
    ['x-flowplate-required-scopes', 'read'],
  ];
  const answer = await exchange({ socketPath: local.socketPath }, { path: authorizePath, headers });
  expect(answer.status).toBe(200);
  await verifier.close();
  local.kill('SIGTERM');
  await local.exited;
  expect(verifier.faults).toEqual([]);
  expect(await asked(one.organization_id)).toEqual(['write']);
  expect(await asked(other.organization_id)).toEqual(['read']);
});

test('with a broker of the previous release, a verifier keeps what it was asked for, and reports no fault', async () => {
  const { key, organization_id } = await mint(broker, { scopes: ['read'] });
  const link = newLink();
  let isOld = true;
  const verifier = await embedHoldingLease(broker, {
    fetch: (input, init) =>
      isOld && String(input).endsWith('/scopes')
        ? fetch(`${broker.url}/v1/flowplate/never-there`, init)
        : link.fetch(input, init),
  });
  await warm(verifier, key);
  expect(verifier.verifyNow({ key, scopes: ['read'] })?.code).toBe('VALID');
  await verifier.close();
  isOld = false;
  expect(verifier.faults).toEqual([]);
  expect(await asked(organization_id)).toEqual([]);
});

test('while a verifier does not report, the record begins anew, for the organizations of its master key', async () => {
  const [own, other] = [await oldKey(['read', 'write']), await oldKey(['read', 'write'])];
  for (const { key } of [own, other]) await verify(broker, key, { scopes: ['read'] });
  const { secret: as } = await broker.createMasterKey({ organizationIds: [own.organization_id] });
  const { verifier_id } = await register(broker, { as });
  await watch();
  expect(await unasked(own.organization_id)).toEqual({ [own.key_id]: ['write'] });
  await sql`UPDATE verifiers SET started_at = started_at - interval '6 minutes',
    lease_until = lease_until + interval '1 minute' WHERE id = ${verifier_id}`.execute(broker.db);
  const reports = await broker.call(`POST /v1/flowplate/verifiers/${verifier_id}/scopes`, {
    as,
    body: { asked: [], incomplete: [] },
  });
  expect(reports.status).toBe(204);
  await watch();
  expect(await unasked(own.organization_id)).toEqual({ [own.key_id]: ['write'] });
  await sql`UPDATE verifiers SET reports_scopes = false WHERE id = ${verifier_id}`.execute(broker.db);
  await watch();
  expect(await unasked(own.organization_id)).toEqual({});
  expect(Math.abs((await recordedSince(own.organization_id)) - Date.now())).toBeLessThan(60_000);
  expect(await unasked(other.organization_id)).toEqual({ [other.key_id]: ['write'] });
  await broker.call(`DELETE /v1/flowplate/verifiers/${verifier_id}`, { as });
});

test('an organization with more scopes than are kept begins anew, and no other', async () => {
  const [own, other] = [await oldKey(['read', 'write']), await oldKey(['read', 'write'])];
  for (const { key } of [own, other]) await verify(broker, key, { scopes: ['read'] });
  await asked(own.organization_id);
  await sql`INSERT INTO asked_scopes SELECT ${own.organization_id}, 'scope:' || number, current_date
    FROM generate_series(1, ${askedScopesMax - 1}::int) AS number`.execute(broker.db);
  await verify(replica, own.key, { scopes: ['read'] });
  expect(await unasked(own.organization_id)).toEqual({ [own.key_id]: ['write'] });
  await verify(broker, own.key, { scopes: ['write'] });
  expect(await asked(own.organization_id)).toHaveLength(askedScopesMax);
  expect(await unasked(own.organization_id)).toEqual({});
  expect(Math.abs((await recordedSince(own.organization_id)) - Date.now())).toBeLessThan(60_000);
  expect(await unasked(other.organization_id)).toEqual({ [other.key_id]: ['write'] });
});

test('a process of the previous release, and a day without a look, begin every record anew', async () => {
  const { organization_id, key, key_id } = await oldKey(['read', 'write']);
  await verify(broker, key, { scopes: ['read'] });
  expect(await unasked(organization_id)).toEqual({ [key_id]: ['write'] });
  await sql`INSERT INTO verifiers (id, applied_seq, lease_until, knows_stops)
    VALUES ('previous', 0, clock_timestamp() + interval '1 minute', true)`.execute(broker.db);
  await watch();
  expect(await unasked(organization_id)).toEqual({});
  await sql`DELETE FROM verifiers WHERE id = 'previous'`.execute(broker.db);
  await moveRecordsBack(101);
  expect(await unasked(organization_id)).toEqual({ [key_id]: ['write'] });
  await sql`UPDATE scope_records SET checked_at = checked_at - interval '25 hours'`.execute(broker.db);
  await watch();
  expect(await unasked(organization_id)).toEqual({});
  await moveRecordsBack(101);
});

test('scopes of a deleted organization and of long ago go away', async () => {
  const [gone, kept] = [await oldKey(['read', 'write']), await oldKey(['read', 'write'])];
  for (const { key } of [gone, kept]) await verify(broker, key, { scopes: ['read', 'write'] });
  await asked(gone.organization_id);
  await setStatus(broker, gone.organization_id, 'deleted');
  await moveAskedBack(kept.organization_id, 'read', 402);
  await pruneAskedScopes({ db: broker.db });
  expect(await asked(gone.organization_id)).toEqual([]);
  expect(await asked(kept.organization_id)).toEqual(['write']);
});
