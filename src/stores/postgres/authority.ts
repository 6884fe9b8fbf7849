import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';

/** First half of the advisory locks of credentials and organizations; migration 0022 has it too. */
const authorityLocks = 5_202;

/** The lock of all that platform users, their roles and their sessions are allowed. */
const platformUsersLock = 5_201_005;

/**
 * The rights that a change uses, which must not end before it commits, and those that it ends, for
 * which it waits until no change uses them any more. Ids are those of keys, API users and
 * organizations.
 */
export type Authorities = {
  used: readonly string[];
  ended: readonly string[];
  operators: 'used' | 'ended' | undefined;
};

/**
 * Takes the advisory locks of these rights until the transaction ends, in one statement: shared for
 * those used, exclusive for those ended, also when a change ends a right that it uses. All are
 * taken in one order, so that two callers who end each other's rights wait for one another and not
 * in a circle.
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
 * Whether the master key may still act; it stays so until the transaction ends (migration 0022).
 */
export async function holdMasterKey(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql<{ held: boolean }>`SELECT hold_master_key(${id}) AS held`.execute(tx);
  return rows[0]?.held === true;
}

/**
 * Whether a tenant, platform or API user's key is active at `now`, whatever its organization is.
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
