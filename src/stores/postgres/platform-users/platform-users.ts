import { type RawBuilder, sql } from 'kysely';
import { emailKey } from '../../../domain/email.ts';
import type { PlatformUser, UserSort } from '../../../domain/platform-user.ts';
import { superAdminRoleId } from '../../../domain/role.ts';
import type { Db, Tx } from '../database.ts';
import { isUniqueViolation } from '../faults.ts';

const columns = [
  'id',
  'email',
  'name',
  'role_ids',
  'is_active',
  'last_login_at',
  'created_at',
  'updated_at',
  'is_break_glass',
  sql<boolean>`password_hash IS NOT NULL`.as('has_password'),
] as const;

/** False when the e-mail address is taken. A null hash: an account without a password. */
export async function insertPlatformUser(
  tx: Tx,
  user: PlatformUser,
  passwordHash: string | null,
): Promise<boolean> {
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
      is_break_glass: user.isBreakGlass,
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

/** Undefined for an account without a password too, which is one of the identity provider. */
export async function findCredentials(
  db: Db,
  by: { email: string } | { id: string },
): Promise<Credentials | undefined> {
  const query = db.selectFrom('platform_users').select([...columns, 'password_hash']);
  const row = await ('id' in by
    ? query.where('id', '=', by.id)
    : query.where('email_key', '=', emailKey(by.email))
  ).executeTakeFirst();
  if (row === undefined || row.password_hash === null) return undefined;
  return { user: toPlatformUser(row), passwordHash: row.password_hash };
}

export type PlatformUserFilter = { search?: string | undefined; isActive?: boolean | undefined };

export type UserOrder = { by: UserSort; isDescending: boolean };

/** Position of a user in a sort order: by this text, then by id. */
export type UserPlace = { value: string; id: string };

/**
 * In this order, starting after `after`. There are few users, so each page sorts all matches
 * without an index (100,000 users take 70 ms).
 */
export async function findPlatformUsers(
  db: Db,
  filter: PlatformUserFilter,
  order: UserOrder,
  limit: number,
  after?: UserPlace,
): Promise<{ user: PlatformUser; place: UserPlace }[]> {
  const value = orderValues[order.by](order.isDescending);
  let query = db.selectFrom('platform_users').select([...columns, value.as('value')]);
  if (filter.search !== undefined) {
    const needle = filter.search.toLowerCase();
    query = query.where(
      sql<boolean>`(strpos(lower(name), ${needle}) > 0 OR strpos(email_key, ${emailKey(filter.search)}) > 0)`,
    );
  }
  if (filter.isActive !== undefined) query = query.where('is_active', '=', filter.isActive);
  if (after !== undefined) {
    const beyond = sql.raw(order.isDescending ? '<' : '>');
    query = query.where(sql<boolean>`(${value}, id) ${beyond} (${after.value}, ${after.id})`);
  }
  const direction = order.isDescending ? 'desc' : 'asc';
  const rows = await query.orderBy(value, direction).orderBy('id', direction).limit(limit).execute();
  return rows.map((row) => ({ user: toPlatformUser(row), place: { value: row.value, id: row.id } }));
}

const loginText = sql<string>`to_char(last_login_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')`;

/** Sort keys, all as text: any text in a cursor is then valid in the statement. */
const orderValues: Record<UserSort, (isDescending: boolean) => RawBuilder<string>> = {
  created: () => sql`id`,
  email: () => sql`email_key`,
  name: () => sql`lower(name)`,
  status: () => sql`CASE WHEN is_active THEN 'active' ELSE 'inactive' END`,
  // Users without a login sort last in both directions.
  last_login: (isDescending) => sql`coalesce(${loginText}, ${sql.lit(isDescending ? '' : 'never')})`,
};

/** 'email taken' when another user has the new address. */
export async function savePlatformUser(
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
        is_break_glass: user.isBreakGlass,
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
 * Notes a login and, when the hash was made with old parameters, the new one. False when password,
 * status or e-mail address have changed since the credentials were read: that login is too late.
 */
export async function touchLogin(
  tx: Tx,
  login: {
    userId: string;
    email: string;
    passwordHash: string;
    renewedHash: string | undefined;
    now: Date;
  },
): Promise<boolean> {
  const result = await tx
    .updateTable('platform_users')
    .set({ last_login_at: login.now, password_hash: login.renewedHash ?? login.passwordHash })
    .where('id', '=', login.userId)
    .where('email_key', '=', emailKey(login.email))
    .where('password_hash', '=', login.passwordHash)
    .where('is_active', '=', true)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function removePlatformUser(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('platform_users').where('id', '=', id).execute();
}

/**
 * Whether another active super-admin with a password exists. One of the identity provider does not
 * count: the next change of its groups may end its rights, and the provider may be away.
 */
export async function isThereAnotherSuperAdmin(tx: Tx, exceptId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('platform_users')
    .select('id')
    .where('is_active', '=', true)
    .where('password_hash', 'is not', null)
    .where('id', '<>', exceptId)
    .where(sql<boolean>`role_ids @> ARRAY[${superAdminRoleId}]::text[]`)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether an active super-admin is marked as a break-glass account. */
export async function isThereABreakGlassAccount(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('platform_users')
    .select('id')
    .where('is_active', '=', true)
    .where('is_break_glass', '=', true)
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
  is_break_glass: boolean;
  has_password: boolean;
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
    isBreakGlass: row.is_break_glass,
    hasPassword: row.has_password,
  };
}
