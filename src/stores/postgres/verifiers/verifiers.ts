import { sql } from 'kysely';
import type { Db } from '../database.ts';

/**
 * Registers a verifier, or starts it anew. `appliedSeq` is where its feed begins, and `leaseMs` how
 * long each of its leases will be. Its first one begins now if `isLive`, else with its first
 * heartbeat.
 */
export async function upsertVerifier(
  db: Db,
  verifier: { id: string; appliedSeq: number; leaseMs: number; isLive: boolean; masterKeyId?: string },
): Promise<void> {
  const { id, appliedSeq, leaseMs, isLive, masterKeyId = null } = verifier;
  await sql`
    INSERT INTO verifiers (id, applied_seq, lease_ms, lease_until, master_key_id)
    VALUES (${id}, ${appliedSeq}, ${leaseMs},
      clock_timestamp() + make_interval(secs => ${isLive ? leaseMs / 1_000 : 0}), ${masterKeyId})
    ON CONFLICT (id) DO UPDATE SET applied_seq = excluded.applied_seq, lease_ms = excluded.lease_ms,
      lease_until = excluded.lease_until`.execute(db);
}

/**
 * Extends the lease of an API process, in its own committed transaction, unless it is more than
 * `changesPerRead` behind the end of the feed, and returns the server's time, what this verifier
 * last said it has applied, how many processes of the API have a live lease, and how long the
 * longest lease of all verifiers is. Undefined when the row is gone: the verifier was silent for so
 * long that the changes it missed may be gone too.
 */
export async function extendLease(
  db: Db,
  id: string,
  changesPerRead: number,
): Promise<ExtendedLease | undefined> {
  const { rows } = await sql<ExtendedLease>`
    WITH feed AS (SELECT coalesce(max(seq), 0) AS last_seq FROM key_changes)
    UPDATE verifiers SET lease_until = CASE
      WHEN last_seq <= applied_seq + ${changesPerRead} THEN ${aLeaseFromNow} ELSE lease_until END
    FROM feed WHERE id = ${id}
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs", applied_seq AS "appliedSeq",
      last_seq <= applied_seq + ${changesPerRead} AS "isExtended",
      (SELECT count(*) FROM verifiers
        WHERE master_key_id IS NULL AND (id = ${id} OR lease_until > clock_timestamp())) AS "apiProcesses",
      (SELECT max(lease_ms) FROM verifiers) AS "leaseMsMax"`.execute(db);
  return rows[0];
}

type ExtendedLease = {
  nowMs: number;
  appliedSeq: number;
  isExtended: boolean;
  apiProcesses: number;
  leaseMsMax: number;
};

/**
 * The end of a lease that begins now. A lease has the length that it was registered with: its
 * verifier counts with that one, also when processes with another setting extend it. After a step
 * back of the server's clock it ends sooner than it did by that clock, and no sooner than its
 * verifier's own count.
 */
export const aLeaseFromNow = sql`clock_timestamp() + make_interval(secs => lease_ms / 1000.0)`;

/**
 * Every revoke waits for this, so it does not wait for the disk: if the server crashes and forgets
 * it, the row says less than is true, which makes a revoke wait longer and the verifier start anew.
 * The lease itself is always written durably.
 */
export async function updateAppliedSeq(db: Db, id: string, appliedSeq: number): Promise<void> {
  await sql`
    WITH now_visible AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE verifiers SET applied_seq = ${appliedSeq} FROM now_visible WHERE id = ${id}`.execute(db);
}

export async function deleteVerifier(db: Db, id: string): Promise<void> {
  await db.deleteFrom('verifiers').where('id', '=', id).execute();
}

/** Forgets verifiers that have been silent for `ageMs`, and says how many. */
export async function deleteSilentVerifiers(db: Db, ageMs: number): Promise<number> {
  const result = await db
    .deleteFrom('verifiers')
    .where('lease_until', '<', sql<Date>`clock_timestamp() - make_interval(secs => ${ageMs / 1_000})`)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

export type VerifierProgress = {
  id: string;
  appliedSeq: number;
  leaseUntil: Date;
  leaseMs: number;
  /** Set for one that is embedded in a gateway, with the allow-lists of that master key. */
  masterKeyId: string | null;
  organizationIds: string[] | null;
  environments: string[] | null;
};

/**
 * The verifiers whose lease is alive by the server's clock: those, and only those, may still answer
 * from memory.
 */
export async function listLiveVerifiers(db: Db): Promise<VerifierProgress[]> {
  const { rows } = await sql<VerifierProgress>`
    SELECT verifiers.id, applied_seq AS "appliedSeq", lease_until AS "leaseUntil", lease_ms AS "leaseMs",
      master_key_id AS "masterKeyId", organization_ids AS "organizationIds", environments
    FROM verifiers LEFT JOIN master_keys ON master_keys.id = master_key_id
    WHERE lease_until > clock_timestamp()`.execute(db);
  return rows;
}

export type VerifierLease = {
  id: string;
  /** Set for one that is embedded in a gateway; null for a process of the API. */
  masterKeyId: string | null;
  startedAt: Date;
  leaseUntil: Date;
  /** What is left of it by the server's clock; negative once it has lapsed. */
  leaseLeftMs: number;
  appliedSeq: number;
  /** How long ago the oldest change was committed that it has not applied; 0 when there is none. */
  behindMs: number;
};

/** For people to look at: the live ones first, and of those the ones that have applied least. */
export async function listVerifierLeases(db: Db, limit: number): Promise<VerifierLease[]> {
  const { rows } = await sql<VerifierLease>`
    SELECT id, master_key_id AS "masterKeyId", started_at AS "startedAt", lease_until AS "leaseUntil",
      (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8 AS "leaseLeftMs", applied_seq AS "appliedSeq",
      coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - committed_at) * 1000, 0)::float8
        FROM key_changes WHERE seq > applied_seq ORDER BY seq LIMIT 1), 0) AS "behindMs"
    FROM verifiers ORDER BY lease_until > clock_timestamp() DESC, applied_seq, id LIMIT ${limit}`.execute(db);
  return rows;
}

export async function countVerifiers(db: Db): Promise<{ live: number; lapsed: number }> {
  const { rows } = await sql<{ live: number; lapsed: number }>`
    SELECT count(*) FILTER (WHERE lease_until > clock_timestamp()) AS live,
      count(*) FILTER (WHERE lease_until <= clock_timestamp()) AS lapsed
    FROM verifiers`.execute(db);
  const [counts] = rows;
  if (counts === undefined) throw new Error('An aggregate has always one row');
  return counts;
}
