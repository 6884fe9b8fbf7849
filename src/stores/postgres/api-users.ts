import { sql } from 'kysely';
import { defaultEnvironment, platformOrganizationId } from '../../domain/api-key.ts';
import type { ApiUser, ApiUserRole } from '../../domain/api-user.ts';
import type { KeyDigest } from '../../domain/key-digest.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import type { Db, Tx } from './database.ts';

const columns = ['id', 'name', 'email', 'role', 'is_active', 'created_at', 'updated_at'] as const;

/** Number of the advisory lock, unique in the deployment. */
const adminsLock = 5_201_004;

/** Serialises the changes that could create the first admin or remove the last one. */
export async function lockApiAdmins(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(adminsLock)})`.execute(tx);
}

export async function isActiveApiAdmin(tx: Tx, id: string): Promise<boolean> {
  const row = await activeAdmins(tx).where('id', '=', id).executeTakeFirst();
  return row !== undefined;
}

/** Whether this user is the only active admin. The caller holds `lockApiAdmins`. */
export async function isLastApiAdmin(tx: Tx, id: string): Promise<boolean> {
  if (!(await isActiveApiAdmin(tx, id))) return false;
  return (await activeAdmins(tx).where('id', '<>', id).limit(1).executeTakeFirst()) === undefined;
}

export async function hasActiveApiAdmin(tx: Tx): Promise<boolean> {
  return (await activeAdmins(tx).limit(1).executeTakeFirst()) !== undefined;
}

function activeAdmins(tx: Tx) {
  return tx.selectFrom('api_users').select('id').where('role', '=', 'admin').where('is_active', '=', true);
}

export async function insertApiUser(tx: Tx, user: ApiUser): Promise<void> {
  await tx
    .insertInto('api_users')
    .values({
      id: user.id,
      name: user.name,
      email: user.email,
      role: user.role,
      is_active: user.isActive,
      created_at: user.createdAt,
      updated_at: user.updatedAt,
    })
    .execute();
}

export async function findApiUser(db: Db, id: string): Promise<ApiUser | undefined> {
  const row = await db.selectFrom('api_users').select(columns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toApiUser(row);
}

/** Like `findApiUser`, and locks the row until the transaction ends. */
export async function lockApiUser(tx: Tx, id: string): Promise<ApiUser | undefined> {
  const row = await tx
    .selectFrom('api_users')
    .select(columns)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? undefined : toApiUser(row);
}

/** Newest first, starting after the user `before`. */
export async function listApiUsers(db: Db, limit: number, before?: string): Promise<ApiUser[]> {
  let query = db.selectFrom('api_users').select(columns);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toApiUser);
}

export async function updateApiUser(tx: Tx, user: ApiUser): Promise<void> {
  await tx
    .updateTable('api_users')
    .set({
      name: user.name,
      email: user.email,
      role: user.role,
      is_active: user.isActive,
      updated_at: user.updatedAt,
    })
    .where('id', '=', user.id)
    .execute();
}

export async function deleteApiUser(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('api_users').where('id', '=', id).execute();
}

/**
 * The key of an API user. Its line has the id of the user's first key, so usage carries over a
 * rotation.
 */
export type ApiUserKey = { id: string; lineageId: string; userId: string; enabled: boolean };

export async function insertApiUserKey(
  tx: Tx,
  key: ApiUserKey & { prefix: string; suffix: string; createdAt: Date },
  digest: KeyDigest,
): Promise<void> {
  await tx
    .insertInto('api_keys')
    .values({
      id: key.id,
      kind: 'api_user',
      lineage_id: key.lineageId,
      user_id: key.userId,
      pepper_id: digest.pepperId,
      digest: digest.digest,
      key_prefix: key.prefix,
      key_suffix: key.suffix,
      organization_id: platformOrganizationId,
      environment: defaultEnvironment,
      metadata: {},
      scopes: [],
      enabled: key.enabled,
      created_at: key.createdAt,
      updated_at: key.createdAt,
    })
    .execute();
}

/** The line under which the calls of each user are counted. */
export async function listApiUserLineages(db: Db, userIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await activeKeys(db)
    .select(['user_id', 'lineage_id'])
    .where('user_id', '=', sql<string>`any(${userIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.user_id, row.lineage_id]));
}

/** The active key of a user; undefined for an unknown user. */
export async function findApiUserKeyId(tx: Tx, userId: string): Promise<string | undefined> {
  const row = await activeKeys(tx).select('id').where('user_id', '=', userId).executeTakeFirst();
  return row?.id;
}

function activeKeys(db: Db) {
  return db.selectFrom('api_keys').where('kind', '=', 'api_user').where('status', '=', 'active');
}

/**
 * Ends the key of a user that the caller has locked. Returns its feed entry, and the line to
 * continue.
 */
export async function revokeApiUserKey(
  tx: Tx,
  userId: string,
  reason: RevocationReason,
  now: Date,
): Promise<{ id: string; lineageId: string; revision: number }> {
  const row = await changeActiveKey(tx, userId)
    .set({
      status: 'revoked',
      revoked_at: now,
      revoked_reason: reason,
      updated_at: now,
      revision: sql`revision + 1`,
    })
    .returning(['id', 'lineage_id', 'revision'])
    .executeTakeFirstOrThrow();
  return { id: row.id, lineageId: row.lineage_id, revision: row.revision };
}

/** Disables or enables the key of a user that the caller has locked. */
export async function setApiUserKeyEnabled(
  tx: Tx,
  userId: string,
  change: { enabled: boolean; now: Date },
): Promise<{ id: string; revision: number }> {
  return changeActiveKey(tx, userId)
    .set({ enabled: change.enabled, updated_at: change.now, revision: sql`revision + 1` })
    .returning(['id', 'revision'])
    .executeTakeFirstOrThrow();
}

function changeActiveKey(tx: Tx, userId: string) {
  return tx
    .updateTable('api_keys')
    .where('kind', '=', 'api_user')
    .where('status', '=', 'active')
    .where('user_id', '=', userId);
}

function toApiUser(row: {
  id: string;
  name: string;
  email: string | null;
  role: string;
  is_active: boolean;
  created_at: Date;
  updated_at: Date;
}): ApiUser {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    role: row.role as ApiUserRole,
    isActive: row.is_active,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
