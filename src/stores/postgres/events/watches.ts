import { sql } from 'kysely';
import type { Tx } from '../database.ts';

/** Place up to which a watch has told (migration 0063): a moment, and an id among equal moments. */
export type TellingPlace = { toldUntil: Date; afterId: string };

/** Sorts after every id: all of this moment are told. */
export const afterEveryId = '~';

/** A pass of a watch through all ids; `until`: the last moment that it tells of. */
export type TellingRound = TellingPlace & { until: Date | null };

/** `ranAt`: when the last round has ended. */
export type HeldWatch = TellingRound & { ranAt: Date };

/**
 * Holds a watch until the commit, so that its events are written by one worker. Undefined while
 * another worker holds it.
 */
export async function holdWatch(tx: Tx, name: string): Promise<HeldWatch | undefined> {
  const { rows } = await sql<HeldWatch>`
    SELECT told_until AS "toldUntil", after_id AS "afterId", round_until AS until, ran_at AS "ranAt"
    FROM event_watches WHERE name = ${name} FOR UPDATE SKIP LOCKED`.execute(tx);
  return rows[0];
}

export async function moveWatch(tx: Tx, name: string, to: TellingRound): Promise<void> {
  await tx
    .updateTable('event_watches')
    .set({ told_until: to.toldUntil, after_id: to.afterId, round_until: to.until })
    .where('name', '=', name)
    .execute();
}

/** All moments up to `toldUntil` are told, by a round that ended at a time. */
export async function endRound(tx: Tx, name: string, toldUntil: Date, ranAt: Date): Promise<void> {
  await tx
    .updateTable('event_watches')
    .set({ told_until: toldUntil, after_id: afterEveryId, round_until: null, ran_at: ranAt })
    .where('name', '=', name)
    .execute();
}

/**
 * Notes a run of a held watch, and returns since when it runs without a gap of more than `gapMs`.
 */
export async function noteRun(tx: Tx, name: string, at: { now: Date; gapMs: number }): Promise<Date> {
  const { rows } = await sql<{ steadySince: Date }>`
    UPDATE event_watches SET ran_at = ${at.now},
      steady_since = CASE WHEN ran_at < ${new Date(at.now.getTime() - at.gapMs)} THEN ${at.now} ELSE steady_since END
    WHERE name = ${name} RETURNING steady_since AS "steadySince"`.execute(tx);
  return rows[0]?.steadySince ?? at.now;
}
