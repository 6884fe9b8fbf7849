import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

/** How far the worker's check of the chain has come, and when this pass began. */
export type CheckPlace = { afterSeq: number; beganAt: Date };

export async function readCheckPlace(db: Db): Promise<CheckPlace> {
  const { rows } = await sql<CheckPlace>`
    SELECT after_seq AS "afterSeq", began_at AS "beganAt" FROM audit_check`.execute(db);
  return rows[0] ?? { afterSeq: 0, beganAt: new Date(0) };
}

/** False when another worker has moved it meanwhile, or does so now. */
export async function moveCheckPlace(tx: Tx, from: CheckPlace, to: CheckPlace): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE audit_check SET after_seq = ${to.afterSeq}, began_at = ${to.beganAt}
    WHERE only_row IN (SELECT only_row FROM audit_check
      WHERE after_seq = ${from.afterSeq} AND began_at = ${from.beganAt} FOR UPDATE SKIP LOCKED)`.execute(tx);
  return numAffectedRows === 1n;
}

type KnownFault = { kind: string; seq: number | null; eventId: string | null };

/** False when it is noted already. */
export async function noteAuditFault(tx: Tx, fault: KnownFault, foundAt: Date): Promise<boolean> {
  const { numAffectedRows } = await sql`
    INSERT INTO audit_faults (kind, seq, event_id, found_at)
    VALUES (${fault.kind}, ${fault.seq ?? 0}, ${fault.eventId ?? ''}, ${foundAt})
    ON CONFLICT DO NOTHING`.execute(tx);
  return numAffectedRows === 1n;
}

/** Number of the first seal after one; undefined at the end of the chain. */
export async function findNextSeal(db: Db, afterSeq: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('audit_seals')
    .select('seq')
    .where('seq', '>', afterSeq)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  return row?.seq;
}
