import { sql } from 'kysely';
import type { FeedPlace, HistoryPosition } from '../../domain/database-history.ts';
import { type AppliedChange, isSameChange } from '../../domain/key-change.ts';
import type { Db, Tx } from './database.ts';
import { thisServer } from './leased-server.ts';
import { toAppliedChange } from './verifiers/change-feed.ts';

const historyId = sql<string | null>`(
  SELECT CASE WHEN held_since IS NULL THEN id::text END FROM database_histories ORDER BY number DESC LIMIT 1)`;
const lastSeq = sql<number>`(SELECT coalesce(max(seq), 0) FROM key_changes)`;

/** Columns of a `FeedPlace`, for a statement that reads something else: evaluated once in it. */
export const feedPlaceColumns = sql`${historyId} AS "historyId", ${lastSeq} AS "lastSeq"`;
/** The same for the query builder. */
export const feedPlaceSelection = [historyId.as('historyId'), lastSeq.as('lastSeq')] as const;

/** Judges a place where something was read. It knows what was known before the read. */
export type FeedGuard = {
  knownSeq(): number;
  requireCurrent(place: FeedPlace, knownSeq: number): void;
};

/**
 * Rows with a `FeedPlace`, judged by the guard. Without a row there is nothing to judge: a key that
 * the database does not have is refused, whatever it has forgotten.
 */
export async function readCurrent<Row extends FeedPlace>(
  guard: FeedGuard,
  read: () => Promise<Row[]>,
): Promise<Row[]> {
  const knownSeq = guard.knownSeq();
  const rows = await read();
  if (rows[0] !== undefined) guard.requireCurrent(rows[0], knownSeq);
  return rows;
}

/** Columns of a `HistoryPosition`. Only a primary has them. */
export const historyColumns = sql`${feedPlaceColumns},
  (SELECT held_reason FROM database_histories ORDER BY number DESC LIMIT 1) AS "heldReason",
  ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS "timeline", ${sql.raw(thisServer)} AS "server"`;

export async function readHistoryPosition(db: Db): Promise<HistoryPosition> {
  const { rows } = await sql<HistoryPosition>`SELECT ${historyColumns}`.execute(db);
  return rows[0] as HistoryPosition;
}

/** The same, with every history that there has been. */
export async function listHistories(db: Db): Promise<string[]> {
  const rows = await db.selectFrom('database_histories').select('id').orderBy('number').execute();
  return rows.map(({ id }) => id);
}

/** Holds the present history, for every process, until it is recovered. */
export async function holdHistory(db: Db, reason: string): Promise<void> {
  await sql`
    UPDATE database_histories SET held_since = clock_timestamp(), held_reason = ${reason}
    WHERE number = (SELECT max(number) FROM database_histories) AND held_since IS NULL`.execute(db);
}

/** Begins a new history, and has its feed go on behind every position of the earlier ones. */
export async function beginHistory(tx: Tx, afterSeq: number): Promise<string> {
  await sql`
    SELECT setval(pg_get_serial_sequence('key_changes', 'seq'),
      greatest(${afterSeq}::bigint, (SELECT coalesce(max(seq), 1) FROM key_changes)))`.execute(tx);
  const { id } = await tx
    .insertInto('database_histories')
    .defaultValues()
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

async function listKeyChangesAt(db: Db, seqs: readonly number[]): Promise<AppliedChange[]> {
  const { rows } = await sql<Parameters<typeof toAppliedChange>[0]>`
    SELECT seq, kind, subject_id, revision, status FROM key_changes
    WHERE seq = ANY(${seqs}::bigint[]) ORDER BY seq`.execute(db);
  return rows.map(toAppliedChange);
}

/** The first of these places at which the feed has another change; undefined when there is none. */
export async function findFirstOtherChange(
  db: Db,
  changes: readonly AppliedChange[],
): Promise<number | undefined> {
  const stored = await listKeyChangesAt(
    db,
    changes.map(({ seq }) => seq),
  );
  const atSeq = new Map(stored.map((change) => [change.seq, change]));
  const others = changes.filter((change) => {
    const other = atSeq.get(change.seq);
    return other !== undefined && !isSameChange(change, other);
  });
  return others.length === 0 ? undefined : Math.min(...others.map(({ seq }) => seq));
}
