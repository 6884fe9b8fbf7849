import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newIdempotency } from '../../src/domain/idempotency.ts';
import { toPolicyVersion } from '../../src/domain/organization-policy.ts';
import { masterKeyPermissions } from '../../src/domain/permission.ts';
import type {
  ApiUserPrincipal,
  Caller,
  OrganizationPrincipal,
  PlatformPrincipal,
} from '../../src/domain/principal.ts';
import { createApiUser } from '../../src/usecases/api-users/create-api-user.ts';
import { deleteApiUser } from '../../src/usecases/api-users/delete-api-user.ts';
import { revokeApiUserKey } from '../../src/usecases/api-users/revoke-api-user-key.ts';
import { rotateApiUserKey } from '../../src/usecases/api-users/rotate-api-user-key.ts';
import { updateApiUser } from '../../src/usecases/api-users/update-api-user.ts';
import { createEnvironment } from '../../src/usecases/environments/create-environment.ts';
import { deleteEnvironment } from '../../src/usecases/environments/delete-environment.ts';
import { createMasterKey } from '../../src/usecases/master-keys/create-master-key.ts';
import { ensureFirstMasterKey } from '../../src/usecases/master-keys/ensure-first-master-key.ts';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { rotateMasterKey } from '../../src/usecases/master-keys/rotate-master-key.ts';
import { deleteOrganization } from '../../src/usecases/organizations/delete-organization.ts';
import { ensureFirstTenantKey } from '../../src/usecases/organizations/ensure-first-tenant-key.ts';
import { provisionOrganization } from '../../src/usecases/organizations/provision-organization.ts';
import { setOrganizationStatus } from '../../src/usecases/organizations/set-organization-status.ts';
import { setPolicy } from '../../src/usecases/organizations/set-policy.ts';
import { updateOrganization } from '../../src/usecases/organizations/update-organization.ts';
import { expireDueKeys } from '../../src/usecases/user-keys/expire-due-keys.ts';
import { mintKey } from '../../src/usecases/user-keys/mint-key.ts';
import { refreshKey } from '../../src/usecases/user-keys/refresh-key.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { revokeKeysOf } from '../../src/usecases/user-keys/revoke-keys.ts';
import { updateKey } from '../../src/usecases/user-keys/update-key.ts';
import { testOrigin } from '../support/broker.ts';
import { admitTestCallers, removeTestCallers, testSessionId, testUserId } from '../support/callers.ts';
import { query } from '../support/query.ts';
import { openStores } from '../support/stores.ts';
import {
  callerWith,
  mintedKey,
  mintRequest,
  testKeyring,
  useCaseParts,
  WalkedClock,
} from '../support/use-case-parts.ts';

const stores = await openStores();
const parts = useCaseParts(stores);
const caller = callerWith();
afterAll(() => stores.close());

const run = (text: string) => query(stores.databaseUrl, text);
const breakAudit = () => run('ALTER TABLE audit_events ENABLE TRIGGER broken_audit');
const mendAudit = () => run('ALTER TABLE audit_events DISABLE TRIGGER broken_audit');

beforeAll(async () => {
  await run(`CREATE FUNCTION break_audit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no audit' USING ERRCODE = 'check_violation'; END $$`);
  await run(
    'CREATE TRIGGER broken_audit BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break_audit()',
  );
});
beforeEach(async () => {
  await mendAudit();
  await removeTestCallers(stores.db);
  await admitTestCallers(stores.db);
});

const tables = [
  'organizations',
  'environments',
  'api_keys',
  'api_users',
  'master_keys',
  'master_key_mints',
  'key_changes',
  'idempotency_keys',
  'audit_events',
];

/** Everything that a use case could have changed, down to the last column. */
async function everything(): Promise<unknown> {
  const rows = await Promise.all(
    tables.map((table) => run(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY t::text`)),
  );
  return Object.fromEntries(tables.map((table, index) => [table, rows[index]]));
}

type Change = () => Promise<unknown>;
type Case = [what: string, prepare: () => Promise<Change> | Change, eventTypes: string[]];

const request = (changed = {}) => mintRequest(changed);
const ownerOf = ({ userId, organizationId, environment }: ReturnType<typeof mintRequest>) => ({
  userId,
  organizationId,
  environment,
});
const rights = {
  name: 'gateway',
  permissions: [...masterKeyPermissions],
  organizationIds: null,
  environments: null,
  ipAllowlist: null,
  expiresAt: null,
};
const newMasterKey = async () => (await createMasterKey(parts, testOrigin, rights)).masterKey.id;

const operator: Caller<PlatformPrincipal> = {
  principal: {
    kind: 'platform_user',
    id: testUserId,
    name: 'test',
    roleIds: [],
    permissions: [],
    organizationIds: null,
    environments: null,
    sessionId: testSessionId,
    lacksSecondFactor: false,
  },
  requestId: 'req_test',
};

/** The operator inside a tenant of their own. */
async function newTenant(): Promise<Caller<OrganizationPrincipal>> {
  const { id: organizationId } = await provisionOrganization(parts, operator, { name: 'Acme' });
  const { principal, requestId } = operator;
  const { kind, id, name } = principal;
  return { principal: { kind, id, name, organizationId, impersonator: principal }, requestId };
}

const apiUser = { name: 'test', email: null, role: 'user' as const };

async function apiAdmin(): Promise<Caller<ApiUserPrincipal>> {
  const { answer } = await createApiUser(parts, operator, { ...apiUser, role: 'admin' });
  const [key] = await run(`SELECT id FROM api_keys WHERE user_id = '${answer.id}'`);
  return {
    principal: { kind: 'api_user', id: answer.id, name: 'test', role: 'admin', keyId: key?.id },
    requestId: 'req_test',
  };
}

const cases: Case[] = [
  [
    'a mint',
    async () => {
      await mintedKey(parts);
      return () => mintKey(parts, caller, request());
    },
    ['key.minted'],
  ],
  [
    'a mint that creates its organization and environments',
    () => () => mintKey(parts, caller, request({ organizationId: 'org_new', environment: 'dev' })),
    ['organization.created', 'environment.created', 'environment.created', 'key.minted'],
  ],
  [
    'a mint whose answer is kept for a repetition',
    () => () => {
      const idempotency = newIdempotency(testKeyring, { scope: 'mint', key: 'once', body: {} });
      return mintKey(parts, caller, request(), idempotency);
    },
    ['key.minted'],
  ],
  [
    'a mint in place of a key that has expired',
    async () => {
      const hourAgo = new Date(Date.now() - 3_600_000);
      const expiresAt = new Date(Date.now() - 60_000);
      const old = await mintedKey(useCaseParts(stores, new WalkedClock(hourAgo)), { expiresAt });
      return () => mintKey(parts, caller, request({ userId: old.request.userId }));
    },
    ['key.expired', 'key.minted'],
  ],
  [
    'a refresh',
    async () => {
      const old = await mintedKey(parts);
      return () => refreshKey(parts, caller, { ...ownerOf(old.request), gracePeriodSeconds: 0 });
    },
    ['key.refreshed'],
  ],
  [
    'a refresh with a grace and an answer that is kept',
    async () => {
      const old = await mintedKey(parts);
      const idempotency = newIdempotency(testKeyring, { scope: 'refresh', key: 'once', body: {} });
      return () =>
        refreshKey(parts, caller, { ...ownerOf(old.request), gracePeriodSeconds: 60 }, idempotency);
    },
    ['key.refreshed'],
  ],
  [
    'a revocation of one key and its predecessor in grace',
    async () => {
      const old = await mintedKey(parts);
      const { minted } = await refreshKey(parts, caller, { ...ownerOf(old.request), gracePeriodSeconds: 60 });
      return () => revokeKey(parts, caller, minted.keyId);
    },
    ['key.revoked', 'key.revoked'],
  ],
  [
    "a revocation of all of a user's keys",
    async () => {
      const { request: first } = await mintedKey(parts);
      await mintedKey(parts, { userId: first.userId, organizationId: 'org_2' });
      return () => revokeKeysOf(parts, caller, { userId: first.userId });
    },
    ['key.revoked', 'key.revoked'],
  ],
  [
    'an update',
    async () => {
      const { keyId } = await mintedKey(parts);
      return () => updateKey(parts, caller, keyId, { enabled: false, scopes: ['read'] });
    },
    ['key.updated'],
  ],
  [
    'the sweep',
    async () => {
      const past = useCaseParts(stores, new WalkedClock(new Date(Date.now() - 3_600_000)));
      for (let key = 0; key < 2; key++) await mintedKey(past, { expiresAt: new Date(Date.now() - 60_000) });
      return () => expireDueKeys(parts);
    },
    ['key.expired', 'key.expired'],
  ],
  [
    'the first master key',
    async () => {
      await run('DELETE FROM master_keys');
      return () => ensureFirstMasterKey(parts);
    },
    ['master_key.created'],
  ],
  ['a new master key', () => () => createMasterKey(parts, testOrigin, rights), ['master_key.created']],
  [
    'a rotation of a master key',
    async () => {
      const masterKeyId = await newMasterKey();
      return () => rotateMasterKey(parts, testOrigin, { masterKeyId, overlapSeconds: 60 });
    },
    ['master_key.created', 'master_key.rotated'],
  ],
  [
    'a revocation of a master key',
    async () => {
      const masterKeyId = await newMasterKey();
      return () => revokeMasterKey(parts, testOrigin, masterKeyId);
    },
    ['master_key.revoked'],
  ],
  ['a new API user', () => () => createApiUser(parts, operator, apiUser), ['api_user.created']],
  [
    'a rotation of the key of an API user',
    async () => {
      const { answer } = await createApiUser(parts, operator, apiUser);
      return () => rotateApiUserKey(parts, operator, answer.id);
    },
    ['api_user.key_rotated'],
  ],
  [
    'the end of the key of an API user by its holder',
    async () => {
      const { answer } = await createApiUser(parts, operator, apiUser);
      const { id = '' } =
        (await stores.db.selectFrom('api_keys').select('id').where('user_id', '=', answer.id).executeTakeFirst()) ??
        {};
      const key = { keyId: id, userId: answer.id };
      return () => revokeApiUserKey(parts, testOrigin, key, 'key_compromise');
    },
    ['api_user.key_revoked'],
  ],
  [
    'the deactivation of an API user',
    async () => {
      const { answer } = await createApiUser(parts, operator, apiUser);
      const admin = await apiAdmin();
      return () => updateApiUser(parts, admin, answer.id, { isActive: false });
    },
    ['api_user.updated'],
  ],
  [
    'the deletion of an API user',
    async () => {
      const { answer } = await createApiUser(parts, operator, apiUser);
      const admin = await apiAdmin();
      return () => deleteApiUser(parts, admin, answer.id);
    },
    ['api_user.deleted'],
  ],
  [
    "a change of an organization's status",
    async () => {
      await mintedKey(parts, { organizationId: 'org_status' });
      return () =>
        setOrganizationStatus(parts, testOrigin, { organizationId: 'org_status', status: 'suspended' });
    },
    ['organization.status_changed'],
  ],
  [
    'a new tenant',
    () => () => provisionOrganization(parts, operator, { name: 'Acme' }),
    ['organization.created', 'environment.created'],
  ],
  [
    "a change of a tenant's name and status",
    async () => {
      const { id } = await provisionOrganization(parts, operator, { name: 'Before' });
      return () => updateOrganization(parts, operator, id, { name: 'After', status: 'suspended' });
    },
    ['organization.updated', 'organization.status_changed'],
  ],
  [
    "a change of a tenant's policy",
    async () => {
      const { id } = await provisionOrganization(parts, operator, { name: 'Acme' });
      return () => setPolicy(parts, operator, id, toPolicyVersion({ expiry_required: true }));
    },
    ['organization.policy_changed'],
  ],
  [
    'the end of a tenant',
    async () => {
      const { id } = await provisionOrganization(parts, operator, { name: 'Acme' });
      return () => deleteOrganization(parts, operator, id);
    },
    ['organization.status_changed'],
  ],
  [
    'a new environment',
    async () => {
      const inside = await newTenant();
      return () => createEnvironment(parts, inside, 'prod');
    },
    ['environment.created'],
  ],
  [
    'the end of an environment',
    async () => {
      const inside = await newTenant();
      const { id } = await createEnvironment(parts, inside, 'prod');
      return () => deleteEnvironment(parts, inside, id);
    },
    ['environment.deleted'],
  ],
  [
    'the first tenant key',
    async () => {
      await removeTestCallers(stores.db);
      return () => ensureFirstTenantKey(parts);
    },
    ['organization.created', 'environment.created', 'tenant.key.created'],
  ],
];

const events = () => run('SELECT event_type FROM audit_events');

describe.each(cases)('%s', (_what, prepare, eventTypes) => {
  test('and its audit events are one: without them nothing is changed, with them they are all there', async () => {
    const change = await prepare();
    const before = await everything();
    const eventsBefore = (await events()).length;

    await breakAudit();
    await expect(change()).rejects.toMatchObject({ code: '23514' });
    expect(await everything()).toEqual(before);

    await mendAudit();
    await change();
    const written = (await events()).slice(eventsBefore).map(({ event_type }) => event_type);
    expect(written.sort()).toEqual([...eventTypes].sort());
    expect(await everything()).not.toEqual(before);
  });
});
