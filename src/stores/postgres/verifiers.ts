import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Registers a verifier with its first lease. `appliedSeq` is where its feed begins. */
export async function upsertVerifier(
  db: Db,
  verifier: { id: string; appliedSeq: number; leaseMs: number; masterKeyId?: string },
): Promise<void> {
  await sql`
    INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id)
    VALUES (${verifier.id}, ${verifier.appliedSeq}, clock_timestamp() + make_interval(secs => ${verifier.leaseMs / 1_000}),
      ${verifier.masterKeyId ?? null})
    ON CONFLICT (id) DO UPDATE SET applied_seq = excluded.applied_seq, lease_until = excluded.lease_until`.execute(
    db,
  );
}

/**
 * Extends the lease, in its own committed transaction, and returns the server's time, what this
 * verifier last said it has applied, and how many processes of the API have a live lease. Undefined
 * when the row is gone: the verifier was silent for so long that the changes it missed may be gone
 * too.
 */
export async function extendLease(
  db: Db,
  id: string,
  leaseMs: number,
): Promise<{ nowMs: number; appliedSeq: number; apiProcesses: number } | undefined> {
  const { rows } = await sql<{ now_ms: number; applied_seq: number; api_processes: number }>`
    UPDATE verifiers SET lease_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
    WHERE id = ${id}
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms, applied_seq,
      (SELECT count(*) FROM verifiers WHERE master_key_id IS NULL AND lease_until > clock_timestamp()) AS api_processes`.execute(
    db,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return { nowMs: row.now_ms, appliedSeq: row.applied_seq, apiProcesses: row.api_processes };
}

/** An embedded verifier as its gateway names it: the row of another master key does not exist for it. */
export type EmbeddedVerifier = { id: string; masterKeyId: string };

/**
 * A heartbeat of an embedded verifier: writes down what it says it has applied, never less than it said before, and extends its
 * lease, in one committed statement. False when it has no row, or when the row knows less than the verifier was once told it does
 * (`acknowledgedSeq`): then this database was restored, or failed over, and its feed is not the one that was applied there.
 */
export async function acknowledgeAndExtend(
  db: Db,
  verifier: EmbeddedVerifier & { appliedSeq: number; acknowledgedSeq: number; leaseMs: number },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE verifiers SET applied_seq = greatest(applied_seq, ${verifier.appliedSeq}::bigint),
      lease_until = clock_timestamp() + make_interval(secs => ${verifier.leaseMs / 1_000})
    WHERE id = ${verifier.id} AND master_key_id = ${verifier.masterKeyId} AND applied_seq >= ${verifier.acknowledgedSeq}`.execute(
    db,
  );
  return numAffectedRows === 1n;
}

/** False when there was no such row. */
export async function deleteEmbeddedVerifier(db: Db, verifier: EmbeddedVerifier): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('verifiers')
    .where('id', '=', verifier.id)
    .where('master_key_id', '=', verifier.masterKeyId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/**
 * Every revoke waits for this, so it does not wait for the disk: if the server crashes and forgets it, the row says less than is true,
 * which makes a revoke wait longer and the verifier start anew. The lease itself is always written durably.
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
  /** Set for one that is embedded in a gateway, with the allow-lists of that master key. */
  masterKeyId: string | null;
  organizationIds: string[] | null;
  environments: string[] | null;
};

/** The verifiers whose lease is alive by the server's clock: those, and only those, may still answer from memory. */
export async function listLiveVerifiers(db: Db): Promise<VerifierProgress[]> {
  const { rows } = await sql<VerifierProgress>`
    SELECT verifiers.id, applied_seq AS "appliedSeq", lease_until AS "leaseUntil", master_key_id AS "masterKeyId",
      organization_ids AS "organizationIds", environments
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
};

/** For people to look at: the live ones first, and of those the ones that have applied least. */
export async function listVerifierLeases(db: Db, limit: number): Promise<VerifierLease[]> {
  const { rows } = await sql<VerifierLease>`
    SELECT id, master_key_id AS "masterKeyId", started_at AS "startedAt", lease_until AS "leaseUntil",
      (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8 AS "leaseLeftMs", applied_seq AS "appliedSeq"
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
