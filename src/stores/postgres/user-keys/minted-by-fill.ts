import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

/** `afterId`: the last key that the pass has looked at. */
export type FillPlace = { afterId: string; isResting: boolean };

/** Locks the place of the fill. Undefined while another worker has it. */
export async function lockFillPlace(tx: Tx, now: Date): Promise<FillPlace | undefined> {
  const { rows } = await sql<FillPlace>`
    SELECT after_id AS "afterId", rests_until > ${now} AS "isResting"
    FROM minted_by_fill FOR UPDATE SKIP LOCKED`.execute(tx);
  return rows[0];
}

export type FilledBatch = { lastId: string | null; seen: number; filled: number; leftOut: number };

/**
 * Fills `minted_by` of the next keys after `afterId` from the event that issued their secret: it is
 * of the same millisecond, at which both their ids begin (migration 0019). A key that another
 * transaction has locked is left out, so that neither waits for the other. Keys of other callers
 * than a master key stay null.
 */
export async function fillMintedBy(tx: Tx, afterId: string, limit: number): Promise<FilledBatch> {
  const { rows } = await sql<FilledBatch>`
    WITH due AS MATERIALIZED (
      SELECT id FROM api_keys WHERE id > ${afterId} AND kind = 'user' AND minted_by IS NULL ORDER BY id LIMIT ${limit}
    ), held AS MATERIALIZED (
      SELECT id FROM api_keys WHERE id IN (SELECT id FROM due) FOR NO KEY UPDATE SKIP LOCKED
    ), filled AS (
      UPDATE api_keys SET minted_by = event.actor_id
      FROM held CROSS JOIN LATERAL (
        SELECT actor_id FROM audit_events
        WHERE audit_events.id >= 'evt_' || substr(held.id, 5, 9) AND audit_events.id < 'evt_' || substr(held.id, 5, 9) || '~'
          AND target_id = held.id AND actor_kind = 'master_key' AND event_type IN ('key.minted', 'key.refreshed')
        LIMIT 1) AS event
      WHERE api_keys.id = held.id RETURNING api_keys.id
    )
    SELECT (SELECT max(id) FROM due) AS "lastId", (SELECT count(*) FROM due)::integer AS seen,
      (SELECT count(*) FROM filled)::integer AS filled,
      ((SELECT count(*) FROM due) - (SELECT count(*) FROM held))::integer AS "leftOut"`.execute(tx);
  return rows[0] ?? { lastId: null, seen: 0, filled: 0, leftOut: 0 };
}

/** Notes a batch in its own transaction: a worker that is killed goes on after the last one. */
export async function moveFillPlace(tx: Tx, batch: FilledBatch): Promise<void> {
  await tx
    .updateTable('minted_by_fill')
    .set({
      after_id: batch.lastId ?? sql<string>`after_id`,
      filled: sql<number>`filled + ${batch.filled}`,
      left_out: sql<number>`left_out + ${batch.leftOut}`,
    })
    .execute();
}

/**
 * Ends a pass. The next one begins at `from`, after a rest. It begins at the same place again, and
 * with the next run, when keys were left out.
 */
export async function endFillPass(
  tx: Tx,
  next: { from: string; restsUntil: Date; now: Date },
): Promise<void> {
  await tx
    .updateTable('minted_by_fill')
    .set({
      after_id: sql<string>`CASE WHEN left_out > 0 THEN pass_from ELSE ${next.from} END`,
      pass_from: sql<string>`CASE WHEN left_out > 0 THEN pass_from ELSE ${next.from} END`,
      rests_until: sql<Date>`CASE WHEN left_out > 0 THEN rests_until ELSE ${next.restsUntil}::timestamptz END`,
      first_pass_at: sql<Date>`CASE WHEN left_out > 0 THEN first_pass_at ELSE coalesce(first_pass_at, ${next.now}) END`,
      left_out: 0,
    })
    .execute();
}

/** `isDone`: a whole pass was made, so that only keys of the previous release may be missing. */
export type FillProgress = { filled: number; afterId: string; isDone: boolean };

export async function readFillProgress(db: Db): Promise<FillProgress> {
  const { rows } = await sql<FillProgress>`
    SELECT filled, after_id AS "afterId", first_pass_at IS NOT NULL AS "isDone" FROM minted_by_fill`.execute(
    db,
  );
  return rows[0] ?? { filled: 0, afterId: '', isDone: false };
}
