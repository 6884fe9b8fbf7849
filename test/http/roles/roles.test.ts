import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PlatformPermission, platformPermissions } from '../../../src/domain/permission.ts';
import { superAdminRoleId } from '../../../src/domain/role.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, type LoggedIn, platformUser } from '../../support/platform-users.ts';

const path = '/api/v1/platform/roles';

/** Built-in roles of seed 002: super-admin, admin and read-only. */
const builtInRoles: readonly {
  id: string;
  name: string;
  permissions: readonly PlatformPermission[];
}[] = [
  { id: superAdminRoleId, name: 'super-admin', permissions: platformPermissions },
  {
    id: 'role_platform_operator',
    name: 'admin',
    permissions: platformPermissions.filter(
      (permission) => permission !== 'platform:roles:manage' && permission !== 'platform:audit:manage',
    ),
  },
  {
    id: 'role_platform_viewer',
    name: 'read-only',
    permissions: platformPermissions.filter(
      (permission) => permission.endsWith(':read') && permission !== 'platform:users:read',
    ),
  },
];

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

type As = { headers: Record<string, string> };
const call = ({ headers }: As, operation: string, body?: unknown) =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
const create = (as: As, permissions: string[] = ['platform:keys:read'], name = `role ${randomUUID()}`) =>
  call(as, `POST ${path}`, { name, permissions });

describe('the built-in roles', () => {
  test('are there, with exactly these permissions', async () => {
    const { body } = await call(root, `GET ${path}`);
    const stored = body.slice(0, 3).map(({ id, name, permissions, built_in }: Record<string, unknown>) => ({
      id,
      name,
      permissions: [...(permissions as string[])].sort(),
      built_in,
    }));
    const inCode = builtInRoles.map((role) => ({
      ...role,
      permissions: [...role.permissions].sort(),
      built_in: true,
    }));
    const byId = (one: { id: string }, other: { id: string }) => one.id.localeCompare(other.id);
    expect(stored.sort(byId)).toEqual([...inCode].sort(byId));
  });

  test.each(builtInRoles.map(({ id }) => id))(
    '%s cannot be changed or deleted, not even in SQL',
    async (id) => {
      expectError(await call(root, `PUT ${path}/${id}`, { name: 'mine' }), 409, 'ROLE_IMMUTABLE');
      expectError(await call(root, `DELETE ${path}/${id}`), 409, 'ROLE_IMMUTABLE');
      await expect(
        sql`UPDATE roles SET permissions = '{}' WHERE id = ${id}`.execute(broker.db),
      ).rejects.toThrow('built-in');
      await expect(sql`DELETE FROM roles WHERE id = ${id}`.execute(broker.db)).rejects.toThrow('built-in');
    },
  );
});

describe('403', () => {
  test('roles are the super-admin’s to change, and every operator’s with the permission to read', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const nobody = await platformUser(broker, root, []);
    const { body } = await create(root);
    expect((await call(admin, `GET ${path}`)).status).toBe(200);
    expectError(await call(nobody, `GET ${path}`), 403, 'INSUFFICIENT_PERMISSIONS');
    for (const answer of [
      await create(admin),
      await call(admin, `PUT ${path}/${body.id}`, { name: 'no' }),
      await call(admin, `DELETE ${path}/${body.id}`),
    ]) {
      expectError(answer, 403, 'INSUFFICIENT_PERMISSIONS');
    }
  });

  test('an operator cannot put permissions into a role that they do not have, nor change a role with more', async () => {
    const keeper = await create(root, ['platform:roles:manage', 'platform:keys:read']);
    const limited = await platformUser(broker, root, [keeper.body.id]);
    expectError(await create(limited, ['platform:users:manage']), 403, 'INSUFFICIENT_PERMISSIONS');
    const own = await create(limited, ['platform:keys:read']);
    expect(own.status).toBe(201);
    const widened = await call(limited, `PUT ${path}/${own.body.id}`, {
      permissions: ['platform:audit:read'],
    });
    expectError(widened, 403, 'INSUFFICIENT_PERMISSIONS');
    const stronger = await create(root, ['platform:users:read']);
    const emptied = await call(limited, `PUT ${path}/${stronger.body.id}`, { permissions: [] });
    expectError(emptied, 403, 'INSUFFICIENT_PERMISSIONS');
    expectError(await call(limited, `DELETE ${path}/${stronger.body.id}`), 403, 'INSUFFICIENT_PERMISSIONS');
  });
});

test('a role that is not there', async () => {
  const id = 'role_000000000000';
  expectError(await call(root, `PUT ${path}/${id}`, { name: 'x' }), 404, 'ROLE_NOT_FOUND');
  expectError(await call(root, `DELETE ${path}/${id}`), 404, 'ROLE_NOT_FOUND');
});

describe('409', () => {
  test('a name that is taken, in any case', async () => {
    const name = `Support ${randomUUID()}`;
    const { body } = await create(root, [], name);
    expectError(await create(root, [], name.toUpperCase()), 409, 'ROLE_ALREADY_EXISTS');
    const other = await create(root);
    const renamed = await call(root, `PUT ${path}/${other.body.id}`, { name });
    expectError(renamed, 409, 'ROLE_ALREADY_EXISTS');
    expect((await call(root, `PUT ${path}/${body.id}`, { name: name.toUpperCase() })).status).toBe(200);
  });

  test('a role that a user or a working platform key holds stays', async () => {
    const { body } = await create(root);
    const user = await platformUser(broker, root, [body.id]);
    expectError(await call(root, `DELETE ${path}/${body.id}`), 409, 'ROLE_IN_USE');
    await call(root, `DELETE /api/v1/platform/users/${user.id}`);
    const key = await platformKey(broker, [body.id]);
    expectError(await call(root, `DELETE ${path}/${body.id}`), 409, 'ROLE_IN_USE');
    await broker.db.updateTable('api_keys').set({ status: 'revoked' }).where('id', '=', key.id).execute();
    expect((await call(root, `DELETE ${path}/${body.id}`)).body).toEqual({ success: true, deleted: body.id });
  });
});

test('422: unknown permissions, fields and ids', async () => {
  expectViolations(await create(root, ['platform:everything']), 'permissions.0');
  const body = { name: 'x', permissions: [], is_built_in: true };
  expectViolations(await call(root, `POST ${path}`, body), '');
  expectViolations(await call(root, `DELETE ${path}/role_%25`), 'id');
  const unstorable = { name: 'x', permissions: [], description: 'a\0b' };
  expectViolations(await call(root, `POST ${path}`, unstorable), 'description');
  expectViolations(await call(root, `PUT ${path}/role_000000000000`, {}), '');
});

test('a change of a role applies from the next request of its users, and is audited', async () => {
  const { body } = await create(root, ['platform:users:read']);
  const holder = await platformUser(broker, root, [body.id]);
  const list = () => call(holder, 'GET /api/v1/platform/users');
  expect((await list()).status).toBe(200);
  await call(root, `PUT ${path}/${body.id}`, { permissions: [], description: 'Nothing' });
  expectError(await list(), 403, 'INSUFFICIENT_PERMISSIONS');
  const events = await broker.db
    .selectFrom('audit_events')
    .select(['event_type', 'actor_id'])
    .where('target_id', '=', body.id)
    .orderBy('id')
    .execute();
  expect(events).toEqual([
    { event_type: 'platform.role.created', actor_id: root.id },
    { event_type: 'platform.role.updated', actor_id: root.id },
  ]);
});

test('422: a name that only looks like that of another role', async () => {
  const { headers } = await platformKey(broker);
  for (const name of ['super-admin\u200b', 'super\u2060-admin', 'admin\u202e']) {
    const body = { name, permissions: [] };
    expectViolations(await broker.call('POST /api/v1/platform/roles', { as: null, headers, body }), 'name');
  }
});
