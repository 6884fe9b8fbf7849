import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { revokeMasterKey } from '../../../src/usecases/master-keys/revoke-master-key.ts';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker, testOrigin } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { mint, revoke, revokeEverywhere } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { slowRequest } from '../../support/slow-request.ts';
import { beat, register, registerForLater, rowOf, verifiersPath } from './verifier-calls.ts';

const operation = `POST ${verifiersPath}`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: '6000' });
});
afterAll(() => broker.close());
// A verifier that never beats would hold up every later revoke.
afterEach(() => broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute());

testAccess(() => broker, operation, 'keys:verify:embedded');

test('422: there is nothing to set', async () => {
  expectViolations(await broker.call(operation, { body: { lease_ms: 1 } }), '');
});

test('503 OVERLOADED: more changed lately than an answer carries, for a verifier that wants it all at once', async () => {
  const other = await startBroker();
  await sql`INSERT INTO key_changes (kind, subject_id, revision)
    SELECT 'key', 'flk_' || number, 2 FROM generate_series(1, 20001) AS number`.execute(other.db);
  const refused = await other.call(operation);
  expectError(refused, 503, 'OVERLOADED');
  expect(refused.headers.get('retry-after')).toBe('60');
  const { verifier_id, recent } = await registerForLater(other);
  expect([await rowOf(other, verifier_id), recent]).toEqual([expect.anything(), []]);
  await other.close();
});

test('401: when the master key ends before the body is there', async () => {
  const { id, secret } = await broker.createMasterKey();
  const headers = { 'x-flowplate-master-key': secret };
  const late = await slowRequest(broker.url, operation, { headers, body: {} });
  await revokeMasterKey(broker.api.parts, testOrigin, id);
  expect(await late.finish()).toBe(401);
  const rows = await broker.db.selectFrom('verifiers').select('id').where('master_key_id', '=', id).execute();
  expect(rows).toEqual([]);
});

describe('201', () => {
  test('the row belongs to the master key, and its lease lives when the answer comes', async () => {
    const { id, secret: as } = await broker.createMasterKey();
    const registered = await register(broker, { as });
    expect(registered).toMatchObject({ lease_ms: 6_000, master_key_id: id });
    expect(Math.abs(registered.server_time_ms - Date.now())).toBeLessThan(2_000);
    const row = await rowOf(broker, registered.verifier_id);
    expect(row).toMatchObject({ applied_seq: registered.applied_seq, master_key_id: id });
    expect(row?.leaseLeftMs).toBeGreaterThan(1_000);
    expect(row?.leaseLeftMs).toBeLessThanOrEqual(6_500);
  });

  test('each registration is a verifier of its own', async () => {
    const [one, other] = [await register(broker), await register(broker)];
    expect(one.verifier_id).not.toBe(other.verifier_id);
    expect(await rowOf(broker, one.verifier_id)).toBeDefined();
  });

  test('with its first lease to come, it is waited for from its first heartbeat on, and told nothing of before', async () => {
    const { key_id } = await mint(broker);
    await revoke(broker, key_id);
    const { verifier_id, applied_seq, recent } = await registerForLater(broker);
    expect(recent).toEqual([]);
    expect((await rowOf(broker, verifier_id))?.leaseLeftMs).toBeLessThanOrEqual(0);
    const later = await mint(broker);
    await revokeEverywhere(broker, later.key_id);
    const { body } = await beat(broker, verifier_id, { applied_seq });
    expect(body.changes).toMatchObject([{ subject_id: later.key_id }]);
    expect((await rowOf(broker, verifier_id))?.leaseLeftMs).toBeGreaterThan(1_000);
    const last = await mint(broker);
    expect((await revoke(broker, last.key_id)).body.propagation).toBe('pending');
  });

  test('it brings what changed lately, and the organizations that are refused', async () => {
    const suspended = await mint(broker);
    await setStatus(broker, suspended.organization_id, 'suspended');
    const revoked = await mint(broker);
    await revoke(broker, revoked.key_id);
    const { recent, refused_organizations } = await register(broker);
    expect(refused_organizations).toContain(suspended.organization_id);
    expect(recent).toContainEqual({ kind: 'key', subject_id: revoked.key_id, revision: 2, status: null });
    expect(recent.map(({ kind }) => kind)).not.toContain('organization');
  });

  test('an organization that is active again is not refused', async () => {
    const { organization_id } = await mint(broker);
    await setStatus(broker, organization_id, 'suspended');
    await setStatus(broker, organization_id, 'active');
    expect((await register(broker)).refused_organizations).not.toContain(organization_id);
  });

  test('organizations and master keys beyond its allow-list are not named to it', async () => {
    const [mine, other] = [await mint(broker), await mint(broker)];
    for (const { organization_id } of [mine, other]) await setStatus(broker, organization_id, 'suspended');
    const { id, secret: as } = await broker.createMasterKey({ organizationIds: [mine.organization_id] });
    const { refused_organizations, recent } = await register(broker, { as });
    expect(refused_organizations).toEqual([mine.organization_id]);
    const masterKeys = recent.filter(({ kind }) => kind === 'master_key');
    expect(masterKeys.filter(({ subject_id }) => subject_id !== id)).toEqual([]);
  });

  test('a registered verifier is waited for', async () => {
    const { key_id } = await mint(broker);
    await register(broker);
    const { status, body } = await revoke(broker, key_id);
    expect([status, body.propagation]).toEqual([202, 'pending']);
    expect(Date.parse(body.propagation_detail.effective_by)).toBeGreaterThan(Date.now());
  });
});
