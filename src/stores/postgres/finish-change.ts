import { sql } from 'kysely';
import type { AuditEvent } from '../../domain/audit-event.ts';
import type { KeyChange } from '../../domain/key-change.ts';
import { auditEventRow } from './audit/events.ts';
import type { Tx } from './database.ts';
import type { SealedAnswer } from './idempotency-keys.ts';

/** The last part of a change. All fields are required, so that none is forgotten. */
export type Ending = {
  events: readonly AuditEvent[];
  changes: readonly KeyChange[];
  /** Answer of an idempotent request; a row from `notBefore` or earlier is overwritten. */
  kept: { answer: SealedAnswer; notBefore: Date } | undefined;
};

/**
 * Where a change stands in the feed. `previousSeq`: the end of the feed before it. `lastSeq`: its
 * own last position; null when it appended nothing.
 */
export type FeedPlace = { previousSeq: number; lastSeq: number | null };

/**
 * Inserts the audit events, stores the answer, and appends to the feed, in one statement (migration
 * 0033). Call it as the last statement before the commit: from the append on, all other changes
 * wait. The append's lock makes seq order commit order; with a bare sequence, a reader of `seq >
 * last` would miss a row whose transaction commits late. Events and changes are one parameter each,
 * since a statement has at most 65,535. A second answer to the same request fails the transaction
 * by the primary key.
 */
export async function finishChange(tx: Tx, { events, changes, kept }: Ending): Promise<FeedPlace> {
  const { id = null, bodyHash = null, sealedAnswer = null, createdAt = null } = kept?.answer ?? {};
  const { rows } = await sql<FeedPlace>`
    SELECT previous_seq AS "previousSeq", last_seq AS "lastSeq" FROM finish_change(
      ARRAY(SELECT event FROM json_populate_recordset(NULL::audit_events, ${toJson(events, auditEventRow)}::json) AS event),
      ARRAY(SELECT change FROM json_populate_recordset(NULL::key_changes, ${toJson(changes, keyChangeRow)}::json) AS change),
      ${id}, ${bodyHash}, ${sealedAnswer}, ${createdAt}, ${kept?.notBefore ?? null})`.execute(tx);
  const [place] = rows;
  if (place === undefined) throw new Error('A function without a set has always one row');
  return place;
}

function toJson<T>(items: readonly T[], toRow: (item: T) => object): string {
  return JSON.stringify(items.map(toRow));
}

function keyChangeRow({ kind, subjectId, revision, status }: KeyChange) {
  return { kind, subject_id: subjectId, revision, status };
}
