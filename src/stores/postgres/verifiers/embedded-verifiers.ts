import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';
import { aLeaseFromNow } from './verifiers.ts';

/**
 * An embedded verifier as its gateway names it: the row of another master key does not exist for
 * it.
 */
export type EmbeddedVerifier = { id: string; masterKeyId: string };

/** What a heartbeat says. `acknowledgedSeq` is what an earlier answer confirmed of `appliedSeq`. */
export type Report = EmbeddedVerifier & { appliedSeq: number; acknowledgedSeq: number };

/** First half of the advisory locks under which the verifiers of a master key are counted. */
const countLocks = 5_203;

/**
 * A heartbeat of an embedded verifier, in one committed statement: writes down what it says it has
 * applied, never less than it said before, and extends its lease if one read of `changesPerRead`
 * brings it up to date; a verifier that is further behind catches up first. `toldSeq` is the place
 * that must be reported before the lease is extended again.
 *
 * Undefined when none of that is done: the verifier is gone or ended or behind what it was told
 * (`lockVerifiers` says which), its lease has lapsed and `mayRevive` is not set, or its master key
 * has ended. So it is when the row knows less than the verifier was once told it does: then this
 * database was restored, or failed over, and its feed is not the one that was applied there.
 */
export async function extendEmbeddedLease(
  db: Db,
  report: Report,
  { changesPerRead, mayRevive }: { changesPerRead: number; mayRevive: boolean },
): Promise<{ isExtended: boolean; toldSeq: number } | undefined> {
  const { id, masterKeyId, appliedSeq, acknowledgedSeq } = report;
  const isNear = sql`last_seq <= ${appliedSeq}::bigint + ${changesPerRead}`;
  const { rows } = await sql<{ isExtended: boolean; toldSeq: number }>`
    WITH feed AS (SELECT coalesce(max(seq), 0) AS last_seq FROM key_changes)
    UPDATE verifiers SET applied_seq = greatest(applied_seq, ${appliedSeq}::bigint),
      told_seq = CASE WHEN ${isNear} THEN greatest(told_seq, last_seq) ELSE told_seq END,
      lease_until = CASE WHEN ${isNear} THEN ${aLeaseFromNow} ELSE lease_until END
    FROM feed
    WHERE id = ${id} AND master_key_id = ${masterKeyId} AND NOT is_ended
      AND applied_seq >= ${acknowledgedSeq} AND told_seq <= ${appliedSeq}
      AND (${mayRevive}::boolean OR lease_until > clock_timestamp() OR NOT ${isNear})
      AND EXISTS (SELECT FROM master_keys WHERE master_keys.id = ${masterKeyId}
        AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))
    RETURNING ${isNear} AS "isExtended", told_seq AS "toldSeq"`.execute(db);
  return rows[0];
}

/**
 * Notes that an answer tells changes up to a place. As with `updateAppliedSeq`, this does not wait
 * for the disk: a server that crashes and forgets it extends a lease once more.
 */
export async function updateToldSeq(db: Db, id: string, toldSeq: number): Promise<void> {
  await sql`
    WITH now_visible AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE verifiers SET told_seq = greatest(told_seq, ${toldSeq}::bigint) FROM now_visible WHERE id = ${id}`.execute(
    db,
  );
}

/**
 * Ends a verifier: its lease stays until it is over, since its process may still say yes, and is
 * never extended.
 */
export async function endVerifier(tx: Tx, id: string): Promise<void> {
  await tx.updateTable('verifiers').set({ is_ended: true }).where('id', '=', id).execute();
}

/** Ends all verifiers of a master key. */
export async function endVerifiersOf(tx: Tx, masterKeyId: string): Promise<void> {
  await tx
    .updateTable('verifiers')
    .set({ is_ended: true })
    .where('master_key_id', '=', masterKeyId)
    .execute();
}

export type CountedVerifier = {
  id: string;
  isLive: boolean;
  isEnded: boolean;
  appliedSeq: number;
  toldSeq: number;
};

/**
 * The verifiers of a master key, those with the youngest leases first, held until the transaction
 * ends. Nobody else of this master key gets a lease meanwhile: the advisory lock keeps others from
 * counting, and the row locks let heartbeats that are under way finish first, so that a lapsed
 * lease that one of them revives is counted.
 */
export async function lockVerifiers(tx: Tx, masterKeyId: string): Promise<CountedVerifier[]> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(countLocks)}, hashtext(${masterKeyId}))`.execute(tx);
  const { rows } = await sql<CountedVerifier>`
    SELECT id, lease_until > clock_timestamp() AS "isLive", is_ended AS "isEnded", applied_seq AS "appliedSeq",
      told_seq AS "toldSeq"
    FROM verifiers WHERE master_key_id = ${masterKeyId} ORDER BY lease_until DESC FOR NO KEY UPDATE`.execute(
    tx,
  );
  return rows;
}

/** Forgets verifiers whose leases are over. */
export async function deleteVerifiers(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length > 0)
    await tx
      .deleteFrom('verifiers')
      .where('id', 'in', [...ids])
      .execute();
}

/** Whether it is registered, and had a lease at most `agoMs` ago; ended or not. */
export async function wasVerifierAlive(db: Db, verifier: EmbeddedVerifier, agoMs: number): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM verifiers WHERE id = ${verifier.id} AND master_key_id = ${verifier.masterKeyId}
      AND lease_until > clock_timestamp() - make_interval(secs => ${agoMs / 1_000})`.execute(db);
  return rows.length === 1;
}

/** False when there was no such row. */
export async function deleteEmbeddedVerifier(db: Db, verifier: EmbeddedVerifier): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('verifiers')
    .where('id', '=', verifier.id)
    .where('master_key_id', '=', verifier.masterKeyId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}
