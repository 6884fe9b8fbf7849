import { sql } from 'kysely';
import type { AppliedChange, KeyChange, KeyChangeKind } from '../../domain/key-change.ts';
import type { Db, Tx } from './database.ts';

export const keyChangesChannel = 'key_changes';

/** One number for the whole deployment: whoever holds this lock is the only writer between its seq and its commit. */
const appendLock = 5_201_001;

/**
 * Appends to the feed and returns the last seq. Call it as the last statement before the commit: from here on every other
 * change waits. The lock makes seq order commit order; a bare sequence does not, and a reader of `seq > last` would then
 * lose for ever a row whose transaction commits late.
 */
export async function appendKeyChanges(tx: Tx, changes: readonly KeyChange[]): Promise<number | undefined> {
  if (changes.length === 0) return undefined;
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(appendLock)})`.execute(tx);
  const { rows } = await sql<{ seq: number }>`
    WITH appended AS (
      INSERT INTO key_changes (kind, subject_id, revision, status)
      SELECT * FROM unnest(
        ${changes.map((change) => change.kind)}::text[],
        ${changes.map((change) => change.subjectId)}::text[],
        ${changes.map((change) => change.revision)}::bigint[],
        ${changes.map((change) => change.status)}::text[])
      RETURNING seq
    )
    SELECT max(seq) AS seq, pg_notify(${sql.lit(keyChangesChannel)}, '') FROM appended`.execute(tx);
  return rows[0]?.seq;
}

/** The feed after `seq`, in commit order; at most `limit` rows, so that one heartbeat stays short. */
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

/** What a starting verifier must remember: all that changed while a cache entry of before could still be alive. */
export async function listKeyChangesSince(db: Db, ageMs: number): Promise<AppliedChange[]> {
  const rows = await db
    .selectFrom('key_changes')
    .select(['seq', 'kind', 'subject_id', 'revision', 'status'])
    .where('committed_at', '>', sql<Date>`clock_timestamp() - make_interval(secs => ${ageMs / 1_000})`)
    .orderBy('seq')
    .execute();
  return rows.map(toAppliedChange);
}

export async function findLastKeyChangeSeq(db: Db): Promise<number> {
  const row = await db
    .selectFrom('key_changes')
    .select((expression) => expression.fn.max('seq').as('seq'))
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** Drops what no verifier can still need; `ageMs` must exceed the age at which a silent verifier is forgotten. */
export async function deleteKeyChangesOlderThan(db: Db, ageMs: number): Promise<number> {
  const result = await db
    .deleteFrom('key_changes')
    .where('committed_at', '<', sql<Date>`clock_timestamp() - make_interval(secs => ${ageMs / 1_000})`)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

function toAppliedChange(row: {
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
