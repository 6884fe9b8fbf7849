import { sql } from 'kysely';
import type { Head, Seal, SealableEvent } from '../../../domain/audit-seal.ts';
import type { Db, Tx } from '../database.ts';

/** Number of the advisory lock for the next places in the chain. */
const sealLock = 5_201_003;

/**
 * Tries to become the only sealer. False while another worker seals; it handles all waiting events.
 * Disables sequential scans: a plan that was cached while the tables were small would otherwise
 * read all of them.
 */
export async function tryLockSealing(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    SELECT set_config('enable_seqscan', 'off', true), pg_try_advisory_xact_lock(${sql.lit(sealLock)}) AS locked`.execute(
    tx,
  );
  return rows[0]?.locked === true;
}

/**
 * Also accepts 'infinity', so that a tampered timestamp is reported and does not break the query.
 */
const sealableColumns = sql`
  e.id, e.event_type, e.actor_kind, e.actor_id, e.organization_id, e.target_id, e.request_id, e.on_behalf_of, e.result,
  e.details::text AS details, trunc(extract(epoch FROM e.created_at) * 1000)::text AS created_at_ms`;

/**
 * Next events to seal, oldest first. An entry without its event stays in the queue, for
 * verification to find. One lookup per event: a join in the common order reads every event ever
 * sealed (71 ms a round at 200,000, instead of 14).
 */
export async function listUnsealed(tx: Tx, limit: number): Promise<SealableEvent[]> {
  const { rows } = await sql<SealableEvent>`
    SELECT ${sealableColumns} FROM audit_unsealed u
    CROSS JOIN LATERAL (SELECT * FROM audit_events WHERE id = u.event_id LIMIT 1) e
    ORDER BY u.event_id LIMIT ${limit}`.execute(tx);
  return rows;
}

/**
 * Inserts seals and removes the events from the queue in one statement. A trigger refuses to remove
 * an unsealed event.
 */
export async function insertSeals(tx: Tx, seals: readonly Seal[]): Promise<void> {
  const eventIds = seals.map((seal) => seal.eventId);
  await sql`
    INSERT INTO audit_seals (seq, event_id, hash)
    SELECT * FROM unnest(${seals.map((seal) => seal.seq)}::bigint[], ${eventIds}::text[],
      ${seals.map((seal) => seal.hash)}::bytea[])`.execute(tx);
  await sql`DELETE FROM audit_unsealed WHERE event_id = ANY(${eventIds}::text[])`.execute(tx);
}

export async function insertHead(tx: Tx, head: Head): Promise<void> {
  await tx
    .insertInto('audit_heads')
    .values({
      seq: head.seq,
      pepper_id: head.pepperId,
      hash: head.hash,
      signature: head.signature,
      sealed_at: head.sealedAt,
    })
    .execute();
}

export type ChainEnd = {
  /** Signatures of the newest head: two when it was signed again under another pepper. */
  heads: Head[];
  /** The newest seal. In an intact chain the newest head signs it. */
  seal: Seal | undefined;
};

/** One statement, so that it sees a round of sealing wholly or not at all. */
export async function findChainEnd(db: Db): Promise<ChainEnd> {
  const { rows } = await sql<HeadRow & { seal_seq: number | null; event_id: string; seal_hash: Buffer }>`
    SELECT heads.seq, heads.pepper_id, heads.hash, heads.signature, heads.sealed_at,
      seals.seq AS seal_seq, seals.event_id, seals.hash AS seal_hash
    FROM (SELECT seq, pepper_id, hash, signature, sealed_at FROM audit_heads
      WHERE seq = (SELECT max(seq) FROM audit_heads)) heads
    FULL JOIN (SELECT seq, event_id, hash FROM audit_seals ORDER BY seq DESC LIMIT 1) seals ON true
    ORDER BY heads.sealed_at`.execute(db);
  const [first] = rows;
  return {
    heads: rows.filter((row) => row.seq !== null).map(toHead),
    seal:
      first === undefined || first.seal_seq === null
        ? undefined
        : { seq: first.seal_seq, eventId: first.event_id, hash: first.seal_hash },
  };
}

export async function findSeal(db: Db, seq: number): Promise<Seal | undefined> {
  const row = await db
    .selectFrom('audit_seals')
    .select(['seq', 'event_id', 'hash'])
    .where('seq', '=', seq)
    .executeTakeFirst();
  return row === undefined ? undefined : { seq: row.seq, eventId: row.event_id, hash: row.hash };
}

type HeadRow = { seq: number; hash: Buffer; pepper_id: string; signature: Buffer; sealed_at: Date };

function toHead(row: HeadRow): Head {
  return {
    seq: row.seq,
    hash: row.hash,
    pepperId: row.pepper_id,
    signature: row.signature,
    sealedAt: row.sealed_at,
  };
}

export type SealedEvent = { seal: Seal; event: SealableEvent | undefined };

/** Seals after `after` up to `through`, in order, each with its current event. */
export async function listSealedEvents(
  db: Db,
  range: { after: number; through: number; limit: number },
): Promise<SealedEvent[]> {
  const { rows } = await sql<Omit<SealableEvent, 'id'> & { id: string | null } & SealColumns>`
    SELECT s.seq, s.event_id, s.hash, ${sealableColumns}
    FROM audit_seals s LEFT JOIN audit_events e ON e.id = s.event_id
    WHERE s.seq > ${range.after} AND s.seq <= ${range.through} ORDER BY s.seq LIMIT ${range.limit}`.execute(
    db,
  );
  return rows.map(({ seq, event_id, hash, id, ...columns }) => ({
    seal: { seq, eventId: event_id, hash },
    event: id === null ? undefined : { id, ...columns },
  }));
}

type SealColumns = { seq: number; event_id: string; hash: Buffer };

export async function listHeads(db: Db, range: { after: number; through: number }): Promise<Head[]> {
  const rows = await db
    .selectFrom('audit_heads')
    .select(['seq', 'pepper_id', 'hash', 'signature', 'sealed_at'])
    .where('seq', '>', range.after)
    .where('seq', '<=', range.through)
    .orderBy('seq')
    .execute();
  return rows.map(toHead);
}

/**
 * First head from `seq` on that is signed under one of these peppers: an early end for a
 * verification.
 */
export async function findHeadFrom(
  db: Db,
  seq: number,
  pepperIds: readonly string[],
): Promise<number | undefined> {
  const row = await db
    .selectFrom('audit_heads')
    .select('seq')
    .where('seq', '>=', seq)
    .where('pepper_id', 'in', [...pepperIds])
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst();
  return row?.seq;
}

/** Number of waiting events, and the first entry whose event is missing. */
export async function inspectQueue(db: Db): Promise<{ unsealed: number; lost: string | null }> {
  const { rows } = await sql<{ unsealed: number; lost: string | null }>`
    SELECT count(*) AS unsealed, min(u.event_id) FILTER (WHERE e.id IS NULL) AS lost
    FROM audit_unsealed u LEFT JOIN LATERAL (SELECT id FROM audit_events WHERE id = u.event_id LIMIT 1) e ON true`.execute(
    db,
  );
  return rows[0] ?? { unsealed: 0, lost: null };
}

/**
 * Searches so many events after `after` for the first that is neither sealed nor queued: it
 * bypassed the trigger, or was removed from the chain. `last`: where to continue, null at the end.
 */
export async function findStray(
  db: Db,
  range: { after: string; through: string | null; limit: number },
): Promise<{ last: string | null; stray: string | null }> {
  const { rows } = await sql<{ last: string | null; stray: string | null }>`
    WITH page AS (
      SELECT id FROM audit_events WHERE id > ${range.after} AND (${range.through}::text IS NULL OR id <= ${range.through})
      ORDER BY id LIMIT ${range.limit})
    SELECT (SELECT max(id) FROM page) AS last, (
      SELECT min(id) FROM page
      WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.event_id = page.id)
        AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.event_id = page.id)) AS stray`.execute(db);
  return rows[0] ?? { last: null, stray: null };
}
