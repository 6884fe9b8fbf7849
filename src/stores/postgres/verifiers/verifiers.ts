import { sql } from 'kysely';
import type { Db } from '../database.ts';

/**
 * Registers a verifier, or resets it. `appliedSeq`: start of its feed. `leaseMs`: length of its
 * leases. The first lease begins now if `isLive`, else with the first heartbeat.
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
 * `changesPerRead` behind the feed. Returns the server's time, the last reported position, the
 * number of API processes with a live lease, and the longest lease of all verifiers. Undefined when
 * the row is gone: the verifier was silent so long that changes may be gone too.
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
 * End of a lease that begins now. A lease keeps the length of its registration, which its verifier
 * counts with, even when processes have another setting. After a step back of the server's clock it
 * ends earlier by that clock, but not earlier than the verifier counts.
 */
export const aLeaseFromNow = sql`clock_timestamp() + make_interval(secs => lease_ms / 1000.0)`;

/**
 * Stores the applied position. Every revoke waits for it, so it does not wait for the disk. After a
 * crash the row may be too low: a revoke then waits longer, and the verifier restarts. The lease
 * itself is always durable.
 */
export async function updateAppliedSeq(db: Db, id: string, appliedSeq: number): Promise<void> {
  await sql`
    WITH now_visible AS (SELECT set_config('synchronous_commit', 'off', true))
    UPDATE verifiers SET applied_seq = ${appliedSeq} FROM now_visible WHERE id = ${id}`.execute(db);
}

export async function deleteVerifier(db: Db, id: string): Promise<void> {
  await db.deleteFrom('verifiers').where('id', '=', id).execute();
}

/** Deletes verifiers that were silent for `ageMs`, and returns their number. */
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
  /** Master key of an embedded verifier, with its allow-lists. */
  masterKeyId: string | null;
  organizationIds: string[] | null;
  environments: string[] | null;
};

/** Verifiers with a live lease by the server's clock: only these may answer from memory. */
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
  /** Master key of an embedded verifier; null for an API process. */
  masterKeyId: string | null;
  startedAt: Date;
  leaseUntil: Date;
  /** Rest of the lease by the server's clock; negative once it has lapsed. */
  leaseLeftMs: number;
  appliedSeq: number;
  /** Age of the oldest change that it has not applied; 0 when there is none. */
  behindMs: number;
};

/** For monitoring: live verifiers first, and of those the ones furthest behind. */
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
