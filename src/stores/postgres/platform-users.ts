import { sql } from 'kysely';
import { emailKey } from '../../domain/email.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import { superAdminRoleId } from '../../domain/role.ts';
import type { Db, Tx } from './database.ts';
import { isUniqueViolation } from './faults.ts';

const columns = [
  'id',
  'email',
  'name',
  'role_ids',
  'is_active',
  'last_login_at',
  'created_at',
  'updated_at',
] as const;

const usersLock = 5_201_005;

/** Puts all changes of users and of the roles that they hold into one order; reading and logging in go on. */
export async function lockPlatformUsers(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(usersLock)})`.execute(tx);
}

/** False when the e-mail address is taken. */
export async function insertPlatformUser(tx: Tx, user: PlatformUser, passwordHash: string): Promise<boolean> {
  const result = await tx
    .insertInto('platform_users')
    .values({
      id: user.id,
      email: user.email,
      email_key: emailKey(user.email),
      name: user.name,
      password_hash: passwordHash,
      role_ids: user.roleIds,
      is_active: user.isActive,
      created_at: user.createdAt,
      updated_at: user.updatedAt,
    })
    .onConflict((conflict) => conflict.column('email_key').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function isThereAPlatformUser(db: Db): Promise<boolean> {
  const row = await db.selectFrom('platform_users').select('id').limit(1).executeTakeFirst();
  return row !== undefined;
}

export async function findPlatformUser(db: Db, id: string): Promise<PlatformUser | undefined> {
  const row = await db.selectFrom('platform_users').select(columns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toPlatformUser(row);
}

export type Credentials = { user: PlatformUser; passwordHash: string };

export async function findCredentials(
  db: Db,
  by: { email: string } | { id: string },
): Promise<Credentials | undefined> {
  const query = db.selectFrom('platform_users').select([...columns, 'password_hash']);
  const row = await ('id' in by
    ? query.where('id', '=', by.id)
    : query.where('email_key', '=', emailKey(by.email))
  ).executeTakeFirst();
  return row === undefined ? undefined : { user: toPlatformUser(row), passwordHash: row.password_hash };
}

export type PlatformUserFilter = { search?: string | undefined; isActive?: boolean | undefined };

/** Newest first, starting after the user `before`. */
export async function listPlatformUsers(
  db: Db,
  filter: PlatformUserFilter,
  limit: number,
  before?: string,
): Promise<PlatformUser[]> {
  let query = db.selectFrom('platform_users').select(columns);
  if (filter.search !== undefined) {
    const needle = filter.search.toLowerCase();
    query = query.where(
      sql<boolean>`(strpos(lower(name), ${needle}) > 0 OR strpos(email_key, ${emailKey(filter.search)}) > 0)`,
    );
  }
  if (filter.isActive !== undefined) query = query.where('is_active', '=', filter.isActive);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toPlatformUser);
}

/** 'email taken' when the new address is another user's. The caller holds `lockPlatformUsers`. */
export async function updatePlatformUser(
  tx: Tx,
  user: PlatformUser,
  passwordHash?: string,
): Promise<'done' | 'email taken'> {
  try {
    await tx
      .updateTable('platform_users')
      .set({
        email: user.email,
        email_key: emailKey(user.email),
        name: user.name,
        role_ids: user.roleIds,
        is_active: user.isActive,
        updated_at: user.updatedAt,
        ...(passwordHash !== undefined && { password_hash: passwordHash }),
      })
      .where('id', '=', user.id)
      .execute();
    return 'done';
  } catch (error) {
    if (isUniqueViolation(error, 'platform_users_email_key_key')) return 'email taken';
    throw error;
  }
}

/**
 * Notes a login and, when the hash was made with old parameters, the new one. False when password or status have changed since the
 * credentials were read: that login is too late.
 */
export async function touchLogin(
  tx: Tx,
  login: { userId: string; passwordHash: string; renewedHash: string | undefined; now: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable('platform_users')
    .set({ last_login_at: login.now, password_hash: login.renewedHash ?? login.passwordHash })
    .where('id', '=', login.userId)
    .where('password_hash', '=', login.passwordHash)
    .where('is_active', '=', true)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function deletePlatformUser(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('platform_users').where('id', '=', id).execute();
}

/** Whether somebody else than this user could still administer the platform. */
export async function isThereAnotherSuperAdmin(tx: Tx, exceptId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('platform_users')
    .select('id')
    .where('is_active', '=', true)
    .where('id', '<>', exceptId)
    .where(sql<boolean>`role_ids @> ARRAY[${superAdminRoleId}]::text[]`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function toPlatformUser(row: {
  id: string;
  email: string;
  name: string;
  role_ids: string[];
  is_active: boolean;
  last_login_at: Date | null;
  created_at: Date;
  updated_at: Date;
}): PlatformUser {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    roleIds: row.role_ids,
    isActive: row.is_active,
    lastLoginAt: row.last_login_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
