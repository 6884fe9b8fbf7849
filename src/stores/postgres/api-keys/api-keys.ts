import { type Selectable, sql } from 'kysely';
import { type ApiKey, toNameKey } from '../../../domain/api-key.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { KeyStatus } from '../../../domain/user-key.ts';
import type { Db, Tx } from '../database.ts';
import type { ApiKeys } from '../schema.ts';

/**
 * Visible tenant and platform keys: those of one organization, or all. User keys and API users'
 * keys are never among them.
 */
export type ApiKeyReach = { organizationId: string | null };

export const apiKeyColumns = [
  'id',
  'kind',
  'name',
  'description',
  'key_prefix',
  'key_suffix',
  'organization_id',
  'environment',
  'scopes',
  'role_ids',
  'status',
  'enabled',
  'expires_at',
  'revoked_at',
  'revoked_reason',
  'revision',
  'created_at',
  'updated_at',
] as const;

/**
 * Inserts a tenant or platform key. Its `user_id` is its own id, and it begins a line of its own.
 */
export async function insertApiKey(tx: Tx, apiKey: ApiKey, digest: KeyDigest): Promise<void> {
  await tx
    .insertInto('api_keys')
    .values({
      id: apiKey.id,
      kind: apiKey.kind,
      lineage_id: apiKey.id,
      user_id: apiKey.id,
      pepper_id: digest.pepperId,
      digest: digest.digest,
      key_prefix: apiKey.keyPrefix,
      key_suffix: apiKey.keySuffix,
      organization_id: apiKey.organizationId,
      environment: apiKey.environment,
      name: apiKey.name,
      name_key: toNameKey(apiKey.name),
      description: apiKey.description,
      metadata: {},
      scopes: apiKey.scopes,
      role_ids: apiKey.kind === 'platform' ? apiKey.roleIds : null,
      expires_at: apiKey.expiresAt,
      created_at: apiKey.createdAt,
      updated_at: apiKey.createdAt,
    })
    .execute();
}

/**
 * Whether any organization has, or ever had, a key of its own. A deleted key has no row, but its
 * audit event stays.
 */
export async function hasEverBeenATenantKey(db: Db): Promise<boolean> {
  const { rows } = await sql<{ has_been: boolean }>`
    SELECT EXISTS (SELECT FROM api_keys WHERE kind = 'tenant')
      OR EXISTS (SELECT FROM audit_events WHERE event_type = 'tenant.key.created') AS has_been`.execute(db);
  return rows[0]?.has_been ?? true;
}

/**
 * Whether the organization has this environment. Locks it until the transaction ends, as a mint
 * does.
 */
export async function lockEnvironment(tx: Tx, organizationId: string, slug: string): Promise<boolean> {
  const row = await tx
    .selectFrom('environments')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('slug', '=', slug)
    .forKeyShare()
    .executeTakeFirst();
  return row !== undefined;
}

export async function findApiKey(db: Db, reach: ApiKeyReach, id: string): Promise<ApiKey | undefined> {
  const row = await selectWithin(db, reach).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toApiKey(row);
}

/** Like `findApiKey`, and locks the row until the transaction ends. */
export async function lockApiKey(tx: Tx, reach: ApiKeyReach, id: string): Promise<ApiKey | undefined> {
  const row = await selectWithin(tx, reach).where('id', '=', id).forUpdate().executeTakeFirst();
  return row === undefined ? undefined : toApiKey(row);
}

/**
 * Ends an active key that the caller has locked, and returns it with its new revision. A key past
 * its expiry at `now` ends as expired, for good, even if the clock is corrected later.
 */
export async function endApiKey(tx: Tx, id: string, reason: RevocationReason, now: Date): Promise<ApiKey> {
  const row = await tx
    .updateTable('api_keys')
    .set({
      status: sql<string>`CASE WHEN expires_at <= ${now} THEN 'expired' ELSE 'revoked' END`,
      revoked_at: sql<Date | null>`CASE WHEN expires_at <= ${now} THEN NULL ELSE ${now}::timestamptz END`,
      revoked_reason: sql<string | null>`CASE WHEN expires_at <= ${now} THEN NULL ELSE ${reason}::text END`,
      updated_at: now,
      revision: sql`revision + 1`,
    })
    .where('id', '=', id)
    .returning(apiKeyColumns)
    .executeTakeFirstOrThrow();
  return toApiKey(row);
}

export async function deleteApiKey(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('api_keys').where('id', '=', id).execute();
}

/** Roles of a platform key. Undefined when it is gone or of another kind. */
export async function findApiKeyHolder(
  db: Db,
  id: string,
): Promise<{ name: string; roleIds: readonly string[] } | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(['name', 'role_ids'])
    .where('id', '=', id)
    .where('kind', '=', 'platform')
    .executeTakeFirst();
  return row === undefined ? undefined : { name: row.name ?? id, roleIds: row.role_ids ?? [] };
}

function selectWithin(db: Db, { organizationId }: ApiKeyReach) {
  const query = db.selectFrom('api_keys').select(apiKeyColumns);
  return organizationId === null
    ? query.where('kind', 'in', ['tenant', 'platform'])
    : query.where('kind', '=', 'tenant').where('organization_id', '=', organizationId);
}

type ApiKeyRow = Pick<Selectable<ApiKeys>, (typeof apiKeyColumns)[number]>;

export function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    kind: row.kind as ApiKey['kind'],
    name: row.name ?? '',
    description: row.description,
    keyPrefix: row.key_prefix,
    keySuffix: row.key_suffix ?? '',
    organizationId: row.organization_id,
    environment: row.environment,
    scopes: row.scopes,
    roleIds: row.role_ids ?? [],
    status: row.status as KeyStatus,
    enabled: row.enabled,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason as RevocationReason | null,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
