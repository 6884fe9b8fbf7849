import { sql } from 'kysely';
import type { PlatformPermission } from '../../../domain/permission.ts';
import type { Role } from '../../../domain/role.ts';
import type { Db, Tx } from '../database.ts';
import { isUniqueViolation } from '../faults.ts';

/** Union of the permissions of these roles. A deleted role adds none. */
export async function listPermissionsOf(db: Db, roleIds: readonly string[]): Promise<PlatformPermission[]> {
  const { rows } = await sql<{ permission: string }>`
    SELECT DISTINCT unnest(permissions) AS permission FROM roles WHERE id = ANY(${roleIds}::text[])
    ORDER BY 1`.execute(db);
  return rows.map((row) => row.permission as PlatformPermission);
}

/** Ids that no role has. */
export async function listUnknownRoles(db: Db, roleIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT wanted.id FROM unnest(${roleIds}::text[]) AS wanted (id)
    WHERE NOT EXISTS (SELECT FROM roles WHERE roles.id = wanted.id)`.execute(db);
  return rows.map((row) => row.id);
}

/** Built-in roles first, then by name. There are few, so there are no pages. */
export async function listRoles(db: Db): Promise<Role[]> {
  const rows = await db
    .selectFrom('roles')
    .selectAll()
    .orderBy('is_built_in', 'desc')
    .orderBy('name')
    .execute();
  return rows.map(toRole);
}

export async function findRole(db: Db, id: string): Promise<Role | undefined> {
  const row = await db.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toRole(row);
}

/** 'name taken' when another role has it, in any case. */
export async function insertRole(tx: Tx, role: Role): Promise<'done' | 'name taken'> {
  const { id, createdAt } = role;
  return unlessNameIsTaken(
    tx
      .insertInto('roles')
      .values({ id, ...settingsOf(role), created_at: createdAt })
      .execute(),
  );
}

/** 'name taken' when another role has it. */
export async function updateRole(tx: Tx, role: Role): Promise<'done' | 'name taken'> {
  return unlessNameIsTaken(tx.updateTable('roles').set(settingsOf(role)).where('id', '=', role.id).execute());
}

export async function deleteRole(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('roles').where('id', '=', id).execute();
}

/** Whether a user or a working platform key has the role. */
export async function isRoleInUse(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    SELECT EXISTS (SELECT FROM platform_users WHERE role_ids @> ARRAY[${id}]::text[])
      OR EXISTS (SELECT FROM api_keys WHERE role_ids @> ARRAY[${id}]::text[] AND status = 'active') AS used`.execute(
    tx,
  );
  return rows[0]?.used ?? true;
}

async function unlessNameIsTaken(change: Promise<unknown>): Promise<'done' | 'name taken'> {
  try {
    await change;
    return 'done';
  } catch (error) {
    if (isUniqueViolation(error, 'roles_name')) return 'name taken';
    throw error;
  }
}

function settingsOf(role: Role) {
  return {
    name: role.name,
    description: role.description,
    permissions: [...role.permissions],
    updated_at: role.updatedAt,
  };
}

function toRole(row: {
  id: string;
  name: string;
  description: string | null;
  permissions: string[];
  is_built_in: boolean;
  created_at: Date;
  updated_at: Date;
}): Role {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    permissions: row.permissions as PlatformPermission[],
    isBuiltIn: row.is_built_in,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
