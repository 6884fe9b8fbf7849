import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';
import { aLeaseFromNow, hasLiveMasterKey, livesUntil } from './verifiers.ts';

/** An embedded verifier with its master key; rows of other master keys do not match. */
export type EmbeddedVerifier = { id: string; masterKeyId: string };

/**
 * Report of a heartbeat. `acknowledgedSeq`: the part of `appliedSeq` that an earlier answer
 * confirmed.
 */
export type Report = EmbeddedVerifier & { appliedSeq: number; acknowledgedSeq: number };

/** First half of the advisory lock keys for counting the verifiers of a master key. */
const countLocks = 5_203;

/**
 * Heartbeat of an embedded verifier, in one committed statement. It stores the applied position,
 * never a lower one, and extends the lease if one read of `changesPerRead` completes the verifier;
 * otherwise it must catch up first. `toldSeq` must be reported before the next extension. Undefined
 * when nothing is done: the verifier is gone, ended or behind (`lockVerifiers` tells which), its
 * lease has lapsed without `mayRevive`, or its master key has ended. Also when the row is behind
 * the verifier's confirmed position: the database was restored or failed over.
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
      lease_until = CASE WHEN ${isNear} THEN ${aLeaseFromNow} ELSE lease_until END, hub_id = NULL
    FROM feed
    WHERE id = ${id} AND master_key_id = ${masterKeyId} AND NOT is_ended
      AND applied_seq >= ${acknowledgedSeq} AND told_seq <= ${appliedSeq}
      AND (${mayRevive}::boolean OR lease_until > clock_timestamp() OR NOT ${isNear})
      AND ${hasLiveMasterKey}
    RETURNING ${isNear} AS "isExtended", told_seq AS "toldSeq"`.execute(db);
  return rows[0];
}

/**
 * Stores the position that an answer tells. Like `updateHubProgress` without waiting for the disk:
 * a crash that forgets it extends a lease once more.
 */
export async function updateToldSeq(db: Db, id: string, toldSeq: number): Promise<void> {
  await sql`
    WITH now_visible AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE verifiers SET told_seq = greatest(told_seq, ${toldSeq}::bigint) FROM now_visible WHERE id = ${id}`.execute(
    db,
  );
}

/**
 * Ends a verifier. Its current lease stays, because its process may still accept keys, and is never
 * extended.
 */
export async function endVerifier(db: Db, id: string): Promise<void> {
  await db.updateTable('verifiers').set({ is_ended: true }).where('id', '=', id).execute();
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
 * Verifiers of a master key, youngest leases first, locked until the transaction ends. Other leases
 * of this master key wait: the advisory lock stops other counts, and the row locks let running
 * heartbeats finish, so that a revived lease is counted.
 */
export async function lockVerifiers(tx: Tx, masterKeyId: string): Promise<CountedVerifier[]> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(countLocks)}, hashtext(${masterKeyId}))`.execute(tx);
  const { rows } = await sql<CountedVerifier>`
    SELECT id, ${livesUntil} > clock_timestamp() AS "isLive", is_ended AS "isEnded", applied_seq AS "appliedSeq",
      told_seq AS "toldSeq"
    FROM verifiers WHERE master_key_id = ${masterKeyId} ORDER BY ${livesUntil} DESC FOR NO KEY UPDATE`.execute(
    tx,
  );
  return rows;
}

/** Deletes verifiers whose leases have ended. */
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
      AND ${livesUntil} > clock_timestamp() - make_interval(secs => ${agoMs / 1_000})`.execute(db);
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
