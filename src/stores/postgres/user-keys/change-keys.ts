import { sql } from 'kysely';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { Key } from '../../../domain/user-key.ts';
import type { Db, Tx } from '../database.ts';
import { type KeyFilter, keysWhere, revokeKeys, setKeysEnabled } from './user-keys.ts';

/**
 * Takes `lockUserKeys` of the users of these keys, in one order, so that two batches cannot
 * deadlock, and writes stops into rows that do not say them yet.
 */
export async function lockUsersOfKeys(tx: Tx, ids: readonly string[]): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(lock) FROM (
      SELECT DISTINCT hashtextextended(user_id, 5201) AS lock FROM api_keys WHERE id = ANY(${ids}::text[])
      ORDER BY 1) AS locks`.execute(tx);
  await sql`
    SELECT end_stopped_keys(${ids}::text[]) WHERE EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL)`.execute(
    tx,
  );
}

/**
 * Which of these keys the filter still has, and the others of their lines that are the same
 * credential: predecessors in grace of those that are active, and the successor of one that was
 * refreshed while its order waited.
 */
export async function listChangeable(tx: Tx, filter: KeyFilter, ids: readonly string[]): Promise<string[]> {
  const found = await keysWhere(tx, filter)
    .select(['id', 'lineage_id', 'status', 'superseded_until'])
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .execute();
  const newest = found.filter(isNewestOfLine).map(({ lineage_id }) => lineage_id);
  const refreshed = found.filter(({ status }) => status !== 'active').map(({ lineage_id }) => lineage_id);
  const predecessors = await keysOfLines(tx, newest)
    .where(sql<boolean>`(status = 'superseded' OR quarantined_until IS NOT NULL)`)
    .execute();
  const successors = await keysOfLines(tx, refreshed)
    .where('status', '=', 'active')
    .where('mint_number', '>', filter.mintNumberMax ?? Number.MAX_SAFE_INTEGER)
    .execute();
  return [...new Set([...found, ...predecessors, ...successors].map(({ id }) => id))];
}

function keysOfLines(tx: Tx, lines: readonly string[]) {
  return tx.selectFrom('api_keys').select('id').where('lineage_id', '=', sql<string>`any(${lines}::text[])`);
}

/** Active, or quarantined when it was. */
function isNewestOfLine(key: { status: string; superseded_until: Date | null }): boolean {
  return key.status === 'active' || (key.status === 'revoked' && key.superseded_until === null);
}

export type KeysChange = { action: NonNullable<KeyFilter['action']>; reason: RevocationReason; now: Date };

export function changeKeys(
  tx: Tx,
  ids: readonly string[],
  { action, reason, now }: KeysChange,
): Promise<Key[]> {
  return action === 'revoke'
    ? revokeKeys(tx, ids, reason, now)
    : setKeysEnabled(tx, ids, { enabled: action === 'enable', now });
}

/** Looked up by their ids: 20 ms on two cores. */
const changesPerRead = 5_000;

/** Whether a key that the filter has now is in the change feed after `seq`. */
export async function isAnyChangedSince(db: Db, filter: KeyFilter, seq: number): Promise<boolean> {
  for (let after = seq; ; ) {
    const changes = await db
      .selectFrom('key_changes')
      .select(['seq', 'subject_id'])
      .where('seq', '>', after)
      .where('kind', '=', 'key')
      .orderBy('seq')
      .limit(changesPerRead)
      .execute();
    const ids = changes.map(({ subject_id }) => subject_id);
    const found = keysWhere(db, filter).select('id').where('id', '=', sql<string>`any(${ids}::text[])`);
    if (ids.length > 0 && (await found.limit(1).execute()).length > 0) return true;
    const last = changes.at(-1);
    if (last === undefined || changes.length < changesPerRead) return false;
    after = last.seq;
  }
}
