import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';

/**
 * First half of the advisory lock keys of credentials and organizations; migration 0022 repeats it.
 */
const authorityLocks = 5_202;

/** Lock of the rights from platform users, roles and sessions. */
const platformUsersLock = 5_201_005;

/**
 * Rights that a change uses and must not lose before its commit, and rights that it ends and must
 * not be in use. Ids are those of keys, API users and organizations.
 */
export type Authorities = {
  used: readonly string[];
  ended: readonly string[];
  operators: 'used' | 'ended' | undefined;
};

/**
 * Takes the advisory locks of these rights until the transaction ends, in one statement: shared for
 * used rights, exclusive for ended ones, also for a right that is both. One global order, so that
 * two callers who end each other's rights cannot deadlock.
 */
export async function lockAuthorities(tx: Tx, { used, ended, operators }: Authorities): Promise<void> {
  const ids = [...new Set([...used, ...ended])].sort();
  const locks = [
    ...(operators === undefined ? [] : [take(operators === 'ended', sql.lit(platformUsersLock))]),
    ...ids.map((id) => take(ended.includes(id), sql`${sql.lit(authorityLocks)}, hashtext(${id})`)),
  ];
  if (locks.length > 0) await sql`SELECT ${sql.join(locks)}`.execute(tx);
}

function take(isExclusive: boolean, name: RawBuilder<unknown>): RawBuilder<unknown> {
  return isExclusive ? sql`pg_advisory_xact_lock(${name})` : sql`pg_advisory_xact_lock_shared(${name})`;
}

/**
 * Whether the master key is still active. It stays so until the transaction ends (migration 0022).
 */
export async function holdMasterKey(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`SELECT ${isHeld(id)} AS held`.execute(tx);
  return rows[0]?.held === true;
}

/** The same as part of a statement; true without a master key. */
export function isHeld(masterKeyId: string | undefined): RawBuilder<boolean> {
  return masterKeyId === undefined ? sql`true` : sql`hold_master_key(${masterKeyId})`;
}

/**
 * Whether a tenant, platform or API user's key is active at `now`, independent of its organization.
 */
export async function isKeyActive(tx: Tx, id: string, now: Date): Promise<boolean> {
  const row = await tx
    .selectFrom('api_keys')
    .select('id')
    .where('id', '=', id)
    .where('status', '=', 'active')
    .where('enabled', '=', true)
    .where((key) => key.or([key('expires_at', 'is', null), key('expires_at', '>', now)]))
    .executeTakeFirst();
  return row !== undefined;
}
