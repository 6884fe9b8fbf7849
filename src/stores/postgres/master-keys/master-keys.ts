import { type RawBuilder, sql } from 'kysely';
import type { KeyDigest } from '../../../domain/key-digest.ts';
import type { MasterKey, MasterKeyStatus } from '../../../domain/master-key.ts';
import type { MasterKeyPermission } from '../../../domain/permission.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { TokenRule } from '../../../domain/workload-token.ts';
import type { Db, Tx } from '../database.ts';

/**
 * Stored form of a master key's credential: a digest of a generated secret, an argon2id hash of a
 * chosen one, the name in a certificate, or the rule for tokens.
 */
export type MasterKeyCredential =
  | { digest: KeyDigest }
  | { passwordHash: string }
  | { certificate: string }
  | { token: TokenRule };

export const masterKeyColumns = [
  'id',
  'name',
  'key_prefix',
  'certificate',
  'token_issuer',
  'token_audience',
  'token_subject',
  'permissions',
  'organization_ids',
  'environments',
  'ip_allowlist',
  'expires_at',
  'revoked_at',
  'revoked_reason',
  'created_at',
  'revision',
] as const;

export async function insertMasterKey(
  tx: Db,
  masterKey: MasterKey,
  credential: MasterKeyCredential,
  keyAgeSecondsMax: number | null = null,
): Promise<void> {
  await tx
    .insertInto('master_keys')
    .values({
      id: masterKey.id,
      name: masterKey.name,
      key_prefix: masterKey.keyPrefix,
      permissions: masterKey.permissions,
      organization_ids: masterKey.organizationIds,
      environments: masterKey.environments,
      ip_allowlist: masterKey.ipAllowlist,
      expires_at: masterKey.expiresAt,
      created_at: masterKey.createdAt,
      key_age_seconds_max: keyAgeSecondsMax,
      ...toColumns(credential),
    })
    .execute();
}

function toColumns(credential: MasterKeyCredential) {
  if ('token' in credential) {
    const { issuer, audience, subject } = credential.token;
    return { token_issuer: issuer, token_audience: audience, token_subject: subject };
  }
  if ('certificate' in credential) return { certificate: credential.certificate };
  if ('passwordHash' in credential) return { password_hash: credential.passwordHash };
  const { pepperId, digest } = credential.digest;
  return { pepper_id: pepperId, digest };
}

/** Serialises changes of bounds, and the creation of the first master key and of rules. */
export async function lockMasterKeys(tx: Tx): Promise<void> {
  await sql`LOCK TABLE master_keys IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
}

/** Undefined fields do not filter. */
export type MasterKeyFilter = {
  /** Substring of the name, in any case. */
  name?: string | undefined;
  /** Status at `now`. */
  state?: { status: MasterKeyStatus; now: Date } | undefined;
};

/**
 * Newest first: all, or a page that starts after the master key `before`. There are few, so a
 * filter needs no index.
 */
export async function listMasterKeys(
  db: Db,
  page: MasterKeyFilter & { limit?: number; before?: string | undefined } = {},
): Promise<MasterKey[]> {
  let query = db.selectFrom('master_keys').select(masterKeyColumns).orderBy('id', 'desc');
  if (page.limit !== undefined) query = query.limit(page.limit);
  if (page.before !== undefined) query = query.where('id', '<', page.before);
  // strpos knows no wildcards.
  if (page.name !== undefined)
    query = query.where(sql<boolean>`strpos(lower(name), lower(${page.name})) > 0`);
  if (page.state !== undefined) query = query.where(statusConditions[page.state.status](page.state.now));
  return (await query.execute()).map(toMasterKey);
}

/** `statusOf` in SQL. */
const statusConditions: Record<MasterKeyStatus, (now: Date) => RawBuilder<boolean>> = {
  active: (now) => sql`(revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${now}))`,
  expired: (now) => sql`(revoked_at IS NULL AND expires_at <= ${now})`,
  revoked: () => sql`revoked_at IS NOT NULL`,
};

export type MasterKeyUse = { minted: number; lastUsedAt: Date | null };

/** Last use of each key, and the number of keys that it minted, ended ones included. */
export async function readMasterKeyUse(db: Db, ids: readonly string[]): Promise<Map<string, MasterKeyUse>> {
  const { rows } = await sql<MasterKeyUse & { id: string }>`
    SELECT id, last_used_at AS "lastUsedAt",
      (SELECT coalesce(sum(minted), 0)::bigint FROM master_key_mints WHERE master_key_id = master_keys.id) AS minted
    FROM master_keys WHERE id = ANY(${ids}::text[])`.execute(db);
  return new Map(rows.map(({ id, ...use }) => [id, use]));
}

/**
 * Stores the last use of each key, in ms since 1970. Skips a row that another process has locked:
 * it writes the same second, or ends the key.
 */
export async function saveMasterKeyUses(db: Db, uses: ReadonlyMap<string, number>): Promise<void> {
  const times = [...uses.values()].map((ms) => new Date(ms));
  await sql`
    WITH used AS (
      SELECT * FROM unnest(${[...uses.keys()]}::text[], ${times}::timestamptz[]) AS used (id, at)
    ), free AS (
      SELECT id FROM master_keys WHERE id IN (SELECT id FROM used) FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE master_keys SET last_used_at = greatest(last_used_at, used.at)
    FROM used JOIN free USING (id) WHERE master_keys.id = used.id`.execute(db);
}

export async function findMasterKey(db: Db, id: string): Promise<MasterKey | undefined> {
  const row = await db
    .selectFrom('master_keys')
    .select(masterKeyColumns)
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : toMasterKey(row);
}

/** The living rule for a certificate, also an expired one. */
export async function findCertificateRule(db: Db, certificate: string): Promise<MasterKey | undefined> {
  const row = await db
    .selectFrom('master_keys')
    .select(masterKeyColumns)
    .where('certificate', '=', certificate)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : toMasterKey(row);
}

export type ListedTokenRule = TokenRule & { id: string };

/** The living token rules, expired ones included. There are few. */
export async function listTokenRules(db: Db): Promise<ListedTokenRule[]> {
  const rows = await db
    .selectFrom('master_keys')
    .select(['id', 'token_issuer', 'token_audience', 'token_subject'])
    .where('token_issuer', 'is not', null)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute();
  return rows.flatMap((row) => {
    const rule = toTokenRule(row);
    return rule === null ? [] : [{ id: row.id, ...rule }];
  });
}

type TokenColumns = {
  token_issuer: string | null;
  token_audience: string | null;
  token_subject: string | null;
};

/** All three are set, or none. */
function toTokenRule({
  token_issuer: issuer,
  token_audience: audience,
  token_subject: subject,
}: TokenColumns): TokenRule | null {
  return issuer === null || audience === null || subject === null ? null : { issuer, audience, subject };
}

/**
 * Ends a key at `at`, in the future for a rotation with overlap, but no later than its own expiry.
 * Undefined when it has ended already.
 */
export async function expireMasterKey(
  tx: Tx,
  change: { id: string; at: Date; now: Date },
): Promise<number | undefined> {
  const row = await tx
    .updateTable('master_keys')
    .set({
      expires_at: sql<Date>`least(expires_at, ${change.at})`,
      expires_set_at: sql<Date>`CASE WHEN expires_at <= ${change.at} THEN expires_set_at ELSE ${change.now}::timestamptz END`,
      revision: sql`revision + 1`,
    })
    .where('id', '=', change.id)
    .where('revoked_at', 'is', null)
    .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', change.now)]))
    .returning('revision')
    .executeTakeFirst();
  return row?.revision;
}

export async function revokeMasterKey(
  tx: Tx,
  change: { id: string; reason: RevocationReason; at: Date },
): Promise<number | undefined> {
  const row = await tx
    .updateTable('master_keys')
    .set({ revoked_at: change.at, revoked_reason: change.reason, revision: sql`revision + 1` })
    .where('id', '=', change.id)
    .where('revoked_at', 'is', null)
    .returning('revision')
    .executeTakeFirst();
  return row?.revision;
}

export type MasterKeyHash = { id: string; passwordHash: string };

/** Hashes of operator-chosen secrets, oldest first. */
export async function listMasterKeyHashes(db: Db): Promise<MasterKeyHash[]> {
  const rows = await db
    .selectFrom('master_keys')
    .select(['id', 'password_hash'])
    .where('password_hash', 'is not', null)
    .where('revoked_at', 'is', null)
    .orderBy('id')
    .execute();
  return rows.flatMap((row) =>
    row.password_hash === null ? [] : [{ id: row.id, passwordHash: row.password_hash }],
  );
}

export async function updateMasterKeyHash(db: Db, id: string, passwordHash: string): Promise<void> {
  await db.updateTable('master_keys').set({ password_hash: passwordHash }).where('id', '=', id).execute();
}

/** Moves a key from an old pepper to the current one. Only the digest changes. */
export async function rekeyMasterKey(db: Db, id: string, from: string, to: KeyDigest): Promise<void> {
  await db
    .updateTable('master_keys')
    .set({ pepper_id: to.pepperId, digest: to.digest })
    .where('id', '=', id)
    .where('pepper_id', '=', from)
    .execute();
}

export function toMasterKey(row: {
  id: string;
  name: string;
  key_prefix: string | null;
  certificate: string | null;
  token_issuer: string | null;
  token_audience: string | null;
  token_subject: string | null;
  permissions: string[];
  organization_ids: string[] | null;
  environments: string[] | null;
  ip_allowlist: string[] | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  revoked_reason: string | null;
  created_at: Date;
  revision: number;
}): MasterKey {
  return {
    id: row.id,
    name: row.name,
    keyPrefix: row.key_prefix,
    certificate: row.certificate,
    token: toTokenRule(row),
    permissions: row.permissions as MasterKeyPermission[],
    organizationIds: row.organization_ids,
    environments: row.environments,
    ipAllowlist: row.ip_allowlist,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason as RevocationReason | null,
    createdAt: row.created_at,
    revision: row.revision,
  };
}
