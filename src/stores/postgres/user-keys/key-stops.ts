import { type RawBuilder, sql } from 'kysely';
import type { Actor, Origin } from '../../../domain/audit-event.ts';
import type { KeyStop, StopKind, StopSubject } from '../../../domain/key-stop.ts';
import type { RevocationReason } from '../../../domain/revocation-reason.ts';
import type { Db, Tx } from '../database.ts';

/** A stop that is ordered. `createdBefore`: only keys that were created before that time. */
export type StopOrder = StopSubject & {
  id: string;
  createdBefore: Date | null;
  reason: RevocationReason;
  origin: Origin;
};

/**
 * Inserts a stop under the lock of the feed (migration 0041), and returns the number in the order
 * of mints below which keys are stopped. Its entry in the feed must follow at once: all other
 * changes wait. Undefined while a process of the release before holds a lease.
 */
export async function beginStop(tx: Tx, order: StopOrder): Promise<number | undefined> {
  const { actor, requestId, onBehalfOf } = order.origin;
  const { rows } = await sql<{ numberBelow: number | null }>`
    SELECT begin_stop(${order.id}, ${order.kind}, ${order.subject}, ${order.createdBefore}, ${order.reason},
      ${actor.kind}, ${actor.id}, ${requestId}, ${onBehalfOf}) AS "numberBelow"`.execute(tx);
  return rows[0]?.numberBelow ?? undefined;
}

/** How far the worker has come with writing a stop into the rows of its keys. */
export type StopProgress = StopSubject & {
  id: string;
  createdBefore: Date | null;
  reason: RevocationReason;
  createdAt: Date;
  /** Rows that say it themselves. */
  endedKeys: number;
  /** When all of them did; null before. */
  tidiedAt: Date | null;
  orderer: Actor;
  /** Organization that the orderer, an operator, was impersonating. */
  onBehalfOf: string | null;
};

/** Undefined when there is no such stop. */
export async function findStop(db: Db, id: string): Promise<StopProgress | undefined> {
  const { rows } = await sql<StopProgress>`
    SELECT id, kind, subject, created_before AS "createdBefore", reason, created_at AS "createdAt",
      (SELECT coalesce(sum(keys), 0)::bigint FROM key_stop_counts WHERE stop_id = key_stops.id) AS "endedKeys",
      tidied_at AS "tidiedAt", json_build_object('kind', actor_kind, 'id', actor_id) AS orderer,
      on_behalf_of AS "onBehalfOf"
    FROM key_stops WHERE id = ${id}`.execute(db);
  return rows[0];
}

const someStopLives = sql<boolean>`EXISTS (SELECT FROM key_stops WHERE tidied_at IS NULL)`;

/**
 * Whether a stop covers a key whose row does not say it yet. Costs nothing while no stop lives.
 * `row`: name of the row of `api_keys` in its statement.
 */
export function isStopped(row = 'api_keys'): RawBuilder<boolean> {
  return sql<boolean>`((SELECT ${someStopLives}) AND is_stopped(${sql.ref(row)}))`;
}

/** Status of a key, as its row says it or as a stop has made it. */
export function presentStatus(row = 'api_keys'): RawBuilder<string> {
  const status = sql.ref(`${row}.status`);
  return sql<string>`CASE WHEN ${status} <> 'revoked' AND ${isStopped(row)} THEN 'revoked' ELSE ${status} END`;
}

/** End of a key's quarantine; null also when a stop has revoked the key meanwhile. */
export function presentQuarantine(row = 'api_keys'): RawBuilder<Date | null> {
  const until = sql.ref(`${row}.quarantined_until`);
  return sql<Date | null>`CASE WHEN ${until} IS NOT NULL AND NOT ${isStopped(row)} THEN ${until} END`;
}

/** Whether a stop still has to be written into a row: a quarantined key could come back. */
const isUnended = sql<boolean>`(status <> 'revoked' OR quarantined_until IS NOT NULL)`;

/** What a stop says of a key whose row does not say it yet; else the row's own value. */
function ofStop<T>(
  column: 'revoked_at' | 'revoked_reason',
  ofTheStop: 'created_at' | 'reason',
): RawBuilder<T> {
  return sql<T>`CASE WHEN ${isUnended} AND (SELECT ${someStopLives})
    THEN coalesce((SELECT ${sql.ref(ofTheStop)} FROM living_stop(api_keys)), ${sql.ref(column)})
    ELSE ${sql.ref(column)} END`;
}

/** The columns of `api_keys` that a stop changes before its rows are tidied. */
export const stoppableColumns = [
  presentStatus().as('status'),
  presentQuarantine().as('quarantined_until'),
  ofStop<Date | null>('revoked_at', 'created_at').as('revoked_at'),
  ofStop<string | null>('revoked_reason', 'reason').as('revoked_reason'),
] as const;

/**
 * Writes a stop into the rows of an owner's keys, so that a change of them reads what they are. The
 * caller holds `lockUserKeys`.
 */
export async function endStoppedKeysOf(
  tx: Tx,
  owner: { userId: string; organizationId: string; environment: string },
): Promise<void> {
  const { userId, organizationId, environment } = owner;
  await sql`SELECT end_stopped_keys_of(${userId}, ${organizationId}, ${environment})`.execute(tx);
}

const REFRESH_OF_STOPPED = 'FLK01';

/** Whether a refresh failed at its commit, because its key was stopped meanwhile. */
export function isRefreshOfStopped(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === REFRESH_OF_STOPPED;
}

/** A stop whose rows are to be tidied. */
export type OpenStop = KeyStop & {
  id: string;
  createdAt: Date;
  place: string;
  isLastPass: boolean;
  writers: string[] | null;
};

export async function listOpenStops(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM key_stops WHERE tidied_at IS NULL ORDER BY mint_number_below`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Locks a stop for one step of its tidying. Undefined when another worker is at it, or it is over.
 */
export async function lockOpenStop(tx: Tx, id: string): Promise<OpenStop | undefined> {
  const { rows } = await sql<OpenStop>`
    SELECT id, kind, subject, mint_number_below AS "mintNumberBelow", created_before AS "createdBefore",
      created_at AS "createdAt", place, is_last_pass AS "isLastPass", writers
    FROM key_stops WHERE id = ${id} AND tidied_at IS NULL FOR UPDATE SKIP LOCKED`.execute(tx);
  return rows[0];
}

/** Whose keys a stop covers, by their rows. */
const ofSubject: Record<StopKind, (subject: string) => RawBuilder<boolean>> = {
  minted_by: (subject) => sql`minted_by = ${subject}`,
  user: (subject) => sql`user_id = ${subject}`,
  organization: (subject) => sql`organization_id = ${subject}`,
};

/**
 * Ids of the next keys whose rows do not say yet that they are stopped, in their order. Reads past
 * those that do, so the last read of a million keys takes about a second.
 */
export async function listUntidiedKeys(db: Db, stop: OpenStop, limit: number): Promise<string[]> {
  const { kind, subject, place } = stop;
  const ids = await listUntidied(db, stop, sql`${ofSubject[kind](subject)} AND id > ${place}`, limit);
  // Keys that the fill of `minted_by` has not come to.
  return ids.length > 0 || kind !== 'minted_by' ? ids : listUntidied(db, stop, sql`minted_by IS NULL`, limit);
}

async function listUntidied(
  db: Db,
  { mintNumberBelow }: OpenStop,
  are: RawBuilder<unknown>,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM api_keys AS key
    WHERE ${are} AND kind = 'user' AND ${isUnended} AND coalesce(mint_number, 0) < ${mintNumberBelow}
      AND is_stopped(key)
    ORDER BY id LIMIT ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Writes a stop into the rows of these keys, with their audit events (migration 0041), and returns
 * how many there were. Waits for no other transaction: keys that one is changing are left out.
 */
export async function endStoppedKeys(tx: Tx, ids: readonly string[]): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM api_keys
    WHERE id = ANY(${ids}::text[]) AND ${isUnended}
      AND pg_try_advisory_xact_lock(hashtextextended(user_id, 5201))
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`.execute(tx);
  const locked = rows.map(({ id }) => id);
  if (locked.length > 0) await sql`SELECT end_stopped_keys(${locked}::text[])`.execute(tx);
  return locked.length;
}

/**
 * Transactions that write keys at this moment. One of them may have drawn the number of a mint that
 * nobody sees before its commit.
 */
export async function listKeyWriters(db: Db): Promise<string[]> {
  const { rows } = await sql<{ writer: string }>`
    SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'api_keys'::regclass AND mode = 'RowExclusiveLock' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid <> pg_backend_pid()`.execute(db);
  return rows.map(({ writer }) => writer);
}

type Step = Pick<OpenStop, 'place' | 'isLastPass'> & { writers: readonly string[] };

export async function saveStopStep(tx: Tx, id: string, step: Step): Promise<void> {
  const { place, isLastPass, writers } = step;
  await sql`
    UPDATE key_stops SET place = ${place}, is_last_pass = ${isLastPass},
      writers = ${writers}::text[] WHERE id = ${id}`.execute(tx);
}

/** The rows of all keys say it themselves. */
export async function finishStop(tx: Tx, id: string): Promise<void> {
  await sql`UPDATE key_stops SET tidied_at = clock_timestamp() WHERE id = ${id}`.execute(tx);
}
