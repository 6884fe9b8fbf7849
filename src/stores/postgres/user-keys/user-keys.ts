import { type Selectable, sql } from 'kysely';
import type { BulkAction } from '../../../domain/bulk-order.ts';
import type { Place } from '../../../domain/key-change.ts';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import {
  type Key,
  type KeySettings,
  type KeyStatus,
  type Metadata,
  type Quota,
  type RateLimit,
  renewableMs,
  type StoredKeyStatus,
} from '../../../domain/user-key.ts';
import type { Db, Tx } from '../database.ts';
import { isUniqueViolation } from '../faults.ts';
import type { ApiKeys, JsonObject } from '../schema.ts';
import { type WalkedFilter, walkedConditions } from './key-conditions.ts';
import { isStopped, stoppableColumns } from './key-stops.ts';

const settingColumns = [
  'name',
  'metadata',
  'scopes',
  'rate_limit',
  'quota',
  'ip_allowlist',
  'enabled',
  'expires_at',
] as const;

/** Columns of a new key besides its digest; the others have their defaults. */
export const newKeyColumns = [
  'id',
  'lineage_id',
  'key_prefix',
  'user_id',
  'organization_id',
  'environment',
  'minted_by',
  ...settingColumns,
  'created_at',
  'updated_at',
] as const;

const columns = [
  ...newKeyColumns,
  'mint_number',
  'status',
  'activated_at',
  'superseded_until',
  'quarantined_until',
  'revoked_at',
  'revoked_reason',
  'revision',
] as const;

/** The same for a read: with what a stop has made of a key before its row says it. */
const presentColumns = [
  ...newKeyColumns,
  'mint_number',
  'activated_at',
  'superseded_until',
  'revision',
  ...stoppableColumns,
] as const;

/** Not ended by its row: a quarantined key may be released. */
const lives = sql<boolean>`(status IN ('active', 'superseded') OR quarantined_until IS NOT NULL)`;

type Owner = { userId: string; organizationId: string; environment: string };

/**
 * Inserts the successor of a refreshed key. The caller holds `lockUserKeys` and has ended the
 * predecessor. A mint does not take that lock, and may have been faster where no key was active
 * (`isPlaceTaken`).
 */
export async function insertSuccessor(tx: Tx, key: Key, digest: KeyDigest): Promise<void> {
  await tx.insertInto('api_keys').values(newKeyRow(key, digest)).execute();
}

/**
 * The same for a key that waited for its first use. It keeps the number in the order of mints under
 * which it was issued.
 */
export async function insertActivated(tx: Tx, key: Key, digest: KeyDigest): Promise<void> {
  const values = { ...newKeyRow(key, digest), mint_number: key.mintNumber, activated_at: key.activatedAt };
  await tx.insertInto('api_keys').values(values).execute();
}

/** Whether an insert failed because the owner has an active key. The transaction is aborted. */
export function isPlaceTaken(error: unknown): boolean {
  return isUniqueViolation(error, 'api_keys_one_active');
}

/**
 * Serialises refresh, revoke and update of one user's keys. Row locks are not enough: a statement
 * that waited for an old key's row does not see its successor, and a revoke would miss it.
 */
export async function lockUserKeys(tx: Tx, userId: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${userId}, 5201))`.execute(tx);
}

export async function findKey(db: Db, id: string): Promise<Key | undefined> {
  const row = await db.selectFrom('api_keys').select(presentColumns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toKey(row);
}

/**
 * The key with an active row; it may be past its expiry before the sweep, or revoked by a stop
 * before its row says it.
 */
export async function findActiveKey(db: Db, owner: Owner): Promise<Key | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(presentColumns)
    .where('kind', '=', 'user')
    .where('user_id', '=', owner.userId)
    .where('organization_id', '=', owner.organizationId)
    .where('environment', '=', owner.environment)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return row === undefined ? undefined : toKey(row);
}

/**
 * Takes `lockUserKeys`, and reads the line that a refresh continues (migration 0033): the active
 * key of an owner by its row, and its predecessors in grace, the first to end first. `withExpired`:
 * else the last expired one, unless a later line exists.
 */
export async function lockLastLine(
  tx: Tx,
  owner: Owner,
  { withExpired }: { withExpired: boolean },
): Promise<{ last: Key | undefined; inGrace: Key[] }> {
  const { rows } = await sql<KeyRow>`
    SELECT ${sql.join(columns.map((column) => sql.ref(column)))}
    FROM lock_last_line(${owner.userId}, ${owner.organizationId}, ${owner.environment}, ${withExpired}::boolean)`.execute(
    tx,
  );
  const [last, ...inGrace] = rows.map(toKey);
  return { last, inGrace };
}

/** User keys of one user. Undefined fields do not filter; a null allow-list allows all. */
export type KeyOwners = {
  userId: string;
  organizationId?: string | undefined;
  environment?: string | undefined;
  organizationIds: readonly string[] | null;
  environments: readonly string[] | null;
};

/**
 * Keys of a user that a revoke must end, oldest first, at most `limit`: those not ended by their
 * row, and those that expired at or after `expiredSince`, since a refresh could renew them.
 */
export async function listRevocableKeys(
  db: Db,
  owners: KeyOwners,
  expiredSince: Date,
  limit: number,
): Promise<Key[]> {
  const query = keysOf(db, owners)
    .select(columns)
    .where(sql<boolean>`(${lives} OR (status = 'expired' AND expires_at >= ${expiredSince}))`)
    .where(sql<boolean>`NOT ${isStopped()}`);
  return (await query.orderBy(byIdOfOne).limit(limit).execute()).map(toKey);
}

/**
 * Keys of a user that are accepted at `now`, or would be if they were released. The caller holds
 * `lockUserKeys`.
 */
export async function countAcceptableKeys(tx: Tx, userId: string, now: Date): Promise<number> {
  const { rows } = await sql<{ keys: number }>`
    SELECT count(*) AS keys FROM api_keys WHERE kind = 'user' AND user_id = ${userId}
      AND (status = 'active' OR ((status = 'superseded' OR quarantined_until > ${now}) AND coalesce(superseded_until > ${now}, true)))
      AND (expires_at IS NULL OR expires_at > ${now}) AND NOT ${isStopped()}`.execute(tx);
  return rows[0]?.keys ?? 0;
}

/** Where each of these keys of users is; those that do not exist are left out. */
export async function listPlacesOfKeys(db: Db, ids: readonly string[]): Promise<Map<string, Place>> {
  const rows = await db
    .selectFrom('api_keys')
    .select(['id', 'organization_id', 'environment'])
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .where('kind', '=', 'user')
    .execute();
  return new Map(
    rows.map((row) => [row.id, { organizationId: row.organization_id, environment: row.environment }]),
  );
}

/** Places of present and past keys, at most `limit`. */
export async function listKeyPlaces(db: Db, owners: KeyOwners, limit: number): Promise<Place[]> {
  const query = keysOf(db, owners).select(['organization_id', 'environment']).distinct();
  const rows = await query.limit(limit).execute();
  return rows.map((row) => ({ organizationId: row.organization_id, environment: row.environment }));
}

function keysOf(db: Db, { userId, organizationId, environment, organizationIds, environments }: KeyOwners) {
  let query = db.selectFrom('api_keys').where('kind', '=', 'user').where('user_id', '=', userId);
  if (organizationId !== undefined) query = query.where('organization_id', '=', organizationId);
  if (environment !== undefined) query = query.where('environment', '=', environment);
  if (organizationIds !== null) query = query.where(isOneOf('organization_id', organizationIds));
  if (environments !== null) query = query.where(isOneOf('environment', environments));
  return query;
}

function isOneOf(column: 'organization_id' | 'environment', values: readonly string[]) {
  return sql<boolean>`${sql.ref(column)} = any(${values}::text[])`;
}

/**
 * The order of ids for the keys of one user, which are found by the user and sorted. As an
 * expression, so that Postgres does not walk all keys by their ids, which takes seconds for a user
 * whose keys are old.
 */
const byIdOfOne = sql<string>`(id || '')`;

export type KeyFilter = WalkedFilter & {
  userId?: string | undefined;
  organizationId?: string | undefined;
  environment?: string | undefined;
  status?: KeyStatus | 'disabled' | undefined;
  /** Id of a master key. */
  mintedBy?: string | undefined;
  /** Prefix of `key_prefix`. */
  prefix?: string | undefined;
  /** Not above this mint number; keys without one are below all. */
  mintNumberMax?: number | undefined;
  /** Those that this action has an effect on. */
  action?: BulkAction | undefined;
  /** Lowest id. */
  from?: string | undefined;
  /** Allow-lists of the caller; null allows all. */
  organizationIds: readonly string[] | null;
  environments: readonly string[] | null;
  now: Date;
};

/** Sorts after every character of a prefix. */
const afterEveryPrefix = '~';

/** Newest first, starting after the key `before`. */
export async function listKeys(db: Db, filter: KeyFilter, limit: number, before?: string): Promise<Key[]> {
  const query = keysWhere(db, filter, before).select(presentColumns);
  const order = filter.userId === undefined ? sql<string>`id` : byIdOfOne;
  return (await query.orderBy(order, 'desc').limit(limit).execute()).map(toKey);
}

export function keysWhere(db: Db, filter: KeyFilter, before?: string) {
  let query = db.selectFrom('api_keys').where('kind', '=', 'user');
  if (filter.userId !== undefined) query = query.where('user_id', '=', filter.userId);
  if (filter.organizationId !== undefined) query = query.where('organization_id', '=', filter.organizationId);
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  if (filter.mintedBy !== undefined) query = query.where('minted_by', '=', filter.mintedBy);
  if (filter.organizationIds !== null)
    query = query.where(isOneOf('organization_id', filter.organizationIds));
  if (filter.environments !== null) query = query.where(isOneOf('environment', filter.environments));
  if (filter.status !== undefined) query = query.where(userStatusCondition(filter.status, filter.now));
  if (filter.hygiene !== undefined) query = query.where(isLiving(filter.now));
  // A range and not LIKE: every prefix contains `_`, a wildcard in LIKE.
  if (filter.prefix !== undefined) {
    query = query.where(
      sql<boolean>`key_prefix ~>=~ ${filter.prefix} AND key_prefix ~<~ ${filter.prefix + afterEveryPrefix}`,
    );
  }
  if (filter.mintNumberMax !== undefined) {
    query = query.where(sql<boolean>`coalesce(mint_number <= ${filter.mintNumberMax}, true)`);
  }
  if (filter.action !== undefined) query = query.where(changeable(filter.action, filter));
  for (const condition of walkedConditions(filter)) query = query.where(condition);
  if (filter.from !== undefined) query = query.where('id', '>=', filter.from);
  if (before !== undefined) query = query.where('id', '<', before);
  return query;
}

/**
 * Expired keys that a refresh could renew are ended by a revoke too. Of an order, which names the
 * newest mint that it covers, also keys that were refreshed since: their successor is the same
 * credential.
 */
function changeable(action: BulkAction, { now, mintNumberMax }: Pick<KeyFilter, 'now' | 'mintNumberMax'>) {
  const renewableSince = new Date(now.getTime() - renewableMs);
  const isEffective = { revoke: sql`true`, disable: sql`enabled`, enable: sql`NOT enabled` }[action];
  const isLeft =
    action === 'revoke' ? sql`(${lives} OR (status = 'expired' AND expires_at >= ${renewableSince}))` : lives;
  const is = mintNumberMax === undefined ? isLeft : sql`(${isLeft} OR ${wasRefreshedAfter(mintNumberMax)})`;
  return sql<boolean>`(${is} AND ${isEffective} AND NOT ${isStopped()})`;
}

/** Whether a key was the newest of its line at that mint, and has a living successor now. */
function wasRefreshedAfter(mintNumber: number) {
  const newer = sql`FROM api_keys AS newer WHERE newer.lineage_id = api_keys.lineage_id
    AND newer.id <> newer.lineage_id AND newer.id > api_keys.id`;
  return sql<boolean>`(status <> 'active'
    AND EXISTS (SELECT ${newer} AND newer.mint_number > ${mintNumber} AND newer.status = 'active')
    AND NOT EXISTS (SELECT ${newer} AND newer.mint_number <= ${mintNumber}))`;
}

/** The same for user keys, which a stop may have revoked before their rows say it. */
function userStatusCondition(status: KeyStatus | 'disabled', now: Date) {
  const condition = statusCondition(status, now);
  return status === 'revoked'
    ? sql<boolean>`(${condition} OR ${isStopped()})`
    : sql<boolean>`(${condition} AND NOT ${isStopped()})`;
}

/** Before its end, and not stopped. */
function isLiving(now: Date) {
  return sql<boolean>`((expires_at IS NULL OR expires_at > ${now}) AND NOT ${isStopped()})`;
}

/** `statusAt` of domain/user-key.ts in SQL; a test compares both. */
export function statusCondition(status: KeyStatus | 'disabled', now: Date) {
  const graceOver = sql<boolean>`(status = 'superseded' AND superseded_until <= ${now})`;
  const quarantined = sql<boolean>`(coalesce(quarantined_until > ${now}, false) AND coalesce(superseded_until > ${now}, true))`;
  const expired = sql<boolean>`(status IN ('active', 'superseded') AND expires_at <= ${now})`;
  const unexpired = sql<boolean>`(expires_at IS NULL OR expires_at > ${now})`;
  return {
    active: sql<boolean>`(status = 'active' AND ${unexpired} AND enabled)`,
    disabled: sql<boolean>`(status = 'active' AND ${unexpired} AND NOT enabled)`,
    superseded: sql<boolean>`(status = 'superseded' AND superseded_until > ${now} AND ${unexpired})`,
    quarantined: quarantined,
    revoked: sql<boolean>`((status = 'revoked' AND NOT ${quarantined}) OR ${graceOver})`,
    expired: sql<boolean>`(status = 'expired' OR (${expired} AND NOT ${graceOver}))`,
  }[status];
}

/** Brings the end of an active key forward to `until`. Undefined when it ends before that. */
export async function endKeyBy(
  tx: Tx,
  { id, until, now }: { id: string; until: Date; now: Date },
): Promise<Key | undefined> {
  const row = await tx
    .updateTable('api_keys')
    .set({ expires_at: until, expires_set_at: now, updated_at: now, revision: sql`revision + 1` })
    .where('id', '=', id)
    .where(sql<boolean>`(expires_at IS NULL OR expires_at > ${until})`)
    .returning(columns)
    .executeTakeFirst();
  return row && toKey(row);
}

/** Ends an active key with a grace until `until`. Returns the new revision. */
export async function supersedeKey(tx: Tx, change: { id: string; until: Date; now: Date }): Promise<number> {
  const row = await tx
    .updateTable('api_keys')
    .set({
      status: 'superseded',
      superseded_until: change.until,
      // Of its end by itself; a revoke within the grace has its own.
      revoked_reason: 'superseded' satisfies RevocationReason,
      updated_at: change.now,
      revision: sql`revision + 1`,
    })
    .where('id', '=', change.id)
    .returning('revision')
    .executeTakeFirstOrThrow();
  return row.revision;
}

/** Revokes those not revoked yet, expired ones too, and returns them with their new revision. */
export async function revokeKeys(
  tx: Tx,
  ids: readonly string[],
  reason: RevocationReason,
  now: Date,
): Promise<Key[]> {
  const rows = await tx
    .updateTable('api_keys')
    .set({
      status: 'revoked',
      revoked_at: now,
      revoked_reason: reason,
      quarantined_until: null,
      updated_at: now,
      revision: sql`revision + 1`,
    })
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .where(sql<boolean>`(status <> 'revoked' OR quarantined_until IS NOT NULL)`)
    .returning(columns)
    .execute();
  return rows.map(toKey);
}

/** Switches keys that live on or off, and returns those whose switch changed. */
export async function setKeysEnabled(
  tx: Tx,
  ids: readonly string[],
  { enabled, now }: { enabled: boolean; now: Date },
): Promise<Key[]> {
  const rows = await tx
    .updateTable('api_keys')
    .set({ enabled, updated_at: now, revision: sql`revision + 1` })
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .where(lives)
    .where('enabled', '<>', enabled)
    .returning(columns)
    .execute();
  return rows.map(toKey);
}

/**
 * Writes settings of a key and of its predecessors in grace: a line of keys is one credential.
 * Returns all of them.
 */
export async function updateLineageSettings(
  tx: Tx,
  lineageId: string,
  settings: KeySettings,
  now: Date,
): Promise<Key[]> {
  const rows = await tx
    .updateTable('api_keys')
    .set({
      ...toSettingColumns(settings),
      expires_set_at: sql<Date>`CASE WHEN expires_at IS DISTINCT FROM ${settings.expiresAt}::timestamptz THEN ${now}::timestamptz ELSE expires_set_at END`,
      updated_at: now,
      revision: sql`revision + 1`,
    })
    // The first of a line by its id, the others by the index of successors (migration 0026).
    .where(sql<boolean>`(id = ${lineageId} OR (lineage_id = ${lineageId} AND id <> lineage_id))`)
    .where(lives)
    .returning(columns)
    .execute();
  return rows.map(toKey);
}

/**
 * Writes the true status of active keys past their expiry and superseded ones past their grace, at
 * most `limit` each. Skips rows that another sweep has locked.
 */
export async function endDueKeys(tx: Tx, now: Date, limit: number): Promise<Key[]> {
  const rows = await tx
    .updateTable('api_keys')
    .set({
      status: sql<string>`CASE WHEN status = 'superseded' AND superseded_until <= ${now} THEN 'revoked' ELSE 'expired' END`,
      revoked_at: sql<Date>`CASE WHEN status = 'superseded' AND superseded_until <= ${now} THEN superseded_until END`,
      revoked_reason: sql<string>`CASE WHEN status = 'superseded' AND superseded_until <= ${now} THEN 'superseded' END`,
      updated_at: now,
    })
    .where(
      'id',
      'in',
      sql<string>`(
        WITH expired AS (
          SELECT id FROM api_keys WHERE status = 'active' AND expires_at IS NOT NULL AND expires_at <= ${now}
          ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ), grace_over AS (
          SELECT id FROM api_keys WHERE status = 'superseded' AND superseded_until <= ${now}
          ORDER BY superseded_until LIMIT ${limit} FOR UPDATE SKIP LOCKED
        )
        SELECT id FROM expired UNION ALL SELECT id FROM grace_over)`,
    )
    .returning(columns)
    .execute();
  return rows.map(toKey);
}

/**
 * Writes the true status of quarantined keys past their quarantine, as `endDueKeys` does. They are
 * refused before and after.
 */
export async function endDueQuarantines(tx: Tx, now: Date, limit: number): Promise<Key[]> {
  const due = sql<string>`(
    SELECT id FROM api_keys WHERE quarantined_until <= ${now} LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
  const rows = await tx
    .updateTable('api_keys')
    .set({ revoked_at: sql`quarantined_until`, quarantined_until: null, updated_at: now })
    .where('id', 'in', due)
    .returning(columns)
    .execute();
  return rows.map(toKey);
}

/** Ends one active key past its expiry, to make room for a mint before the sweep. */
export async function expireKey(tx: Tx, id: string, now: Date): Promise<boolean> {
  const result = await tx
    .updateTable('api_keys')
    .set({ status: 'expired', updated_at: now })
    .where('id', '=', id)
    .where('status', '=', 'active')
    .where('expires_at', '<=', now)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/**
 * Moves keys from an old pepper to the current one. Only the digest changes, so caches stay valid.
 */
export async function rekeyKey(db: Db, id: string, fromPepperId: string, to: KeyDigest): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ pepper_id: to.pepperId, digest: to.digest })
    .where('id', '=', id)
    .where('pepper_id', '=', fromPepperId)
    .execute();
}

/** The row of a new key. */
export function newKeyRow(key: Key, digest: KeyDigest) {
  return {
    id: key.id,
    lineage_id: key.lineageId,
    pepper_id: digest.pepperId,
    digest: digest.digest,
    key_prefix: key.keyPrefix,
    user_id: key.userId,
    organization_id: key.organizationId,
    environment: key.environment,
    minted_by: key.mintedBy,
    ...toSettingColumns(key),
    created_at: key.createdAt,
    updated_at: key.createdAt,
  } satisfies Record<(typeof newKeyColumns)[number] | 'pepper_id' | 'digest', unknown>;
}

function toSettingColumns(settings: KeySettings) {
  return {
    name: settings.name,
    metadata: settings.metadata as JsonObject,
    scopes: settings.scopes,
    rate_limit: settings.rateLimit,
    quota: settings.quota,
    ip_allowlist: settings.ipAllowlist,
    enabled: settings.enabled,
    expires_at: settings.expiresAt,
  } satisfies Record<(typeof settingColumns)[number], unknown>;
}

type KeyRow = Pick<Selectable<ApiKeys>, (typeof columns)[number]>;

function toKey(row: KeyRow): Key {
  return {
    id: row.id,
    lineageId: row.lineage_id,
    keyPrefix: row.key_prefix,
    userId: row.user_id,
    organizationId: row.organization_id,
    environment: row.environment,
    mintedBy: row.minted_by,
    mintNumber: row.mint_number,
    name: row.name,
    metadata: row.metadata as Metadata,
    scopes: row.scopes,
    rateLimit: row.rate_limit as RateLimit | null,
    quota: row.quota as Quota | null,
    ipAllowlist: row.ip_allowlist,
    enabled: row.enabled,
    status: row.quarantined_until === null ? (row.status as StoredKeyStatus) : 'quarantined',
    expiresAt: row.expires_at,
    activatedAt: row.activated_at,
    supersededUntil: row.superseded_until,
    quarantinedUntil: row.quarantined_until,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason as RevocationReason | null,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
