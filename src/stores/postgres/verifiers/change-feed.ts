import { sql } from 'kysely';
import type { AppliedChange, KeyChangeKind } from '../../../domain/key-change.ts';
import type { Database, Db } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';

/** Told of the feed's growth by each change (migration 0033). */
export const keyChangesChannel = 'key_changes';

/**
 * The feed after `seq`, in commit order; at most `limit` rows, so that one heartbeat stays short.
 */
export async function listKeyChangesAfter(db: Db, seq: number, limit: number): Promise<AppliedChange[]> {
  const rows = await db
    .selectFrom('key_changes')
    .select(['seq', 'kind', 'subject_id', 'revision', 'status'])
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map(toAppliedChange);
}

/**
 * Changes of the last `ageMs`, for embedded verifiers of earlier versions, which remember every
 * change that a record in use may predate.
 */
export async function listKeyChangesSince(db: Db, ageMs: number): Promise<AppliedChange[]> {
  const rows = await db
    .selectFrom('key_changes')
    .select(['seq', 'kind', 'subject_id', 'revision', 'status'])
    .where('committed_at', '>', sql<Date>`clock_timestamp() - make_interval(secs => ${ageMs / 1_000})`)
    .orderBy('seq')
    .execute();
  return rows.map(toAppliedChange);
}

/**
 * Start position of a verifier: before all changes of the last `ageMs`, and at most `changesMax`
 * positions before the end. Any position is correct, since records from before it are not used; an
 * early one makes more records usable.
 */
export async function findCatchUpSeq(
  db: Db,
  { ageMs, changesMax }: { ageMs: number; changesMax: number },
): Promise<number> {
  const { rows } = await sql<{ seq: number }>`
    SELECT greatest(
      coalesce(
        (SELECT seq FROM key_changes
          WHERE committed_at <= clock_timestamp() - make_interval(secs => ${ageMs / 1_000})
          ORDER BY committed_at DESC LIMIT 1),
        (SELECT min(seq) - 1 FROM key_changes), 0),
      (SELECT max(seq) - ${changesMax}::bigint FROM key_changes)) AS seq`.execute(db);
  return rows[0]?.seq ?? 0;
}

/** End of the feed; 0 before the first change. */
export async function findLastKeyChangeSeq(db: Db): Promise<number> {
  const row = await db
    .selectFrom('key_changes')
    .select((expression) => expression.fn.max('seq').as('seq'))
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/**
 * Deletes changes that no verifier needs; `ageMs` must exceed the age at which a silent verifier is
 * deleted. The newest change always stays, so that the feed never seems to go back.
 */
export async function deleteKeyChangesOlderThan(db: Database, ageMs: number): Promise<number> {
  return deleteInBatches(
    db,
    'key_changes',
    sql`committed_at < statement_timestamp() - make_interval(secs => ${ageMs / 1_000})
      AND seq < (SELECT max(seq) FROM key_changes)`,
  );
}

/** A row of `key_changes`. */
export function toAppliedChange(row: {
  seq: number;
  kind: string;
  subject_id: string;
  revision: number;
  status: string | null;
}): AppliedChange {
  return {
    seq: row.seq,
    kind: row.kind as KeyChangeKind,
    subjectId: row.subject_id,
    revision: row.revision,
    status: row.status,
  };
}
