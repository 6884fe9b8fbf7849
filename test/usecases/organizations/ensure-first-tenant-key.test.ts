import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { parseSecret } from '../../../src/domain/key-format.ts';
import { ensureFirstTenantKey } from '../../../src/usecases/organizations/ensure-first-tenant-key.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { testOrigin } from '../../support/broker.ts';
import { openStores } from '../../support/stores.ts';
import { useCaseParts } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { db } = stores;
const parts = useCaseParts(stores);
afterAll(() => stores.close());
beforeEach(async () => {
  await db.deleteFrom('api_keys').execute();
  await db.deleteFrom('platform_users').execute();
  await sql`ALTER TABLE audit_events DISABLE TRIGGER USER`.execute(db);
  await db.deleteFrom('audit_events').execute();
  await sql`ALTER TABLE audit_events ENABLE TRIGGER USER`.execute(db);
});

const tenantKeys = () =>
  db
    .selectFrom('api_keys')
    .select(['id', 'name', 'scopes', 'organization_id', 'environment', 'expires_at'])
    .where('kind', '=', 'tenant')
    .execute();

test('it is a key with the scope admin, of an organization of its own with its default environment', async () => {
  const made = await ensureFirstTenantKey(parts, testOrigin);
  expect(parseSecret(made?.secret ?? '')?.kind).toBe('tenant');
  const [stored] = await tenantKeys();
  expect(stored).toMatchObject({
    name: 'first',
    scopes: ['admin'],
    environment: 'default',
    expires_at: null,
  });
  const organizationId = stored?.organization_id ?? '';
  expect(
    await db.selectFrom('organizations').select('name').where('id', '=', organizationId).execute(),
  ).toEqual([{ name: 'Default' }]);
  const events = await auditEventsOf(stores, { organizationId });
  expect(events.map(({ event_type, actor_kind }) => `${event_type} by ${actor_kind}`).sort()).toEqual([
    'environment.created by shell',
    'organization.created by shell',
    'tenant.key.created by shell',
  ]);
  expect(JSON.stringify(events)).not.toContain(made?.secret.slice(-38));
});

test('of ten processes that start at once, one makes it, and the others make nothing', async () => {
  const organizations = () => db.selectFrom('organizations').select('id').execute();
  const before = (await organizations()).length;
  const starts = await Promise.all(Array.from({ length: 10 }, () => ensureFirstTenantKey(parts)));
  expect(starts.filter((made) => made !== undefined)).toHaveLength(1);
  expect(await tenantKeys()).toHaveLength(1);
  expect(await organizations()).toHaveLength(before + 1);
});

test('there is none after the first, also when that was revoked or deleted; one that was lost can be made again', async () => {
  await ensureFirstTenantKey(parts);
  await db.updateTable('api_keys').set({ status: 'revoked' }).execute();
  expect(await ensureFirstTenantKey(parts)).toBeUndefined();
  await db.deleteFrom('api_keys').execute();
  expect(await ensureFirstTenantKey(parts)).toBeUndefined();
  expect(await ensureFirstTenantKey(parts, testOrigin, { isLost: true })).toBeDefined();
});

test('there is none once there is a platform user, lost or not', async () => {
  const at = new Date();
  await db
    .insertInto('platform_users')
    .values({
      id: 'puser_1',
      email: 'a@example.com',
      email_key: 'a@example.com',
      name: 'A',
      password_hash: 'x',
      role_ids: [],
      created_at: at,
      updated_at: at,
    })
    .execute();
  expect(await ensureFirstTenantKey(parts)).toBeUndefined();
  expect(await ensureFirstTenantKey(parts, testOrigin, { isLost: true })).toBeUndefined();
  expect(await tenantKeys()).toEqual([]);
});
