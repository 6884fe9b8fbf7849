import { sql } from 'kysely';
import type { Db } from './database.ts';

export type VerifierStates = {
  kind: 'api' | 'embedded';
  /** With a live lease, and nothing to apply that is a second old. */
  current: number;
  /** With a live lease. */
  behind: number;
  lapsed: number;
  /** Age of the oldest change that some verifier with a live lease has not applied. */
  behindMsMax: number;
};

/** Verifiers by state, for metrics: one row for each kind. */
export async function readVerifierStates(db: Db): Promise<VerifierStates[]> {
  const { rows } = await sql<VerifierStates>`
    WITH seen AS (
      SELECT CASE WHEN master_key_id IS NULL THEN 'api' ELSE 'embedded' END AS kind, lease_until > clock_timestamp() AS is_live,
        coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - committed_at) * 1000, 0)::float8
          FROM key_changes WHERE seq > applied_seq ORDER BY seq LIMIT 1), 0) AS behind_ms
      FROM verifiers
    )
    SELECT kind, count(*) FILTER (WHERE is_live AND behind_ms < 1000) AS current,
      count(*) FILTER (WHERE is_live AND behind_ms >= 1000) AS behind, count(*) FILTER (WHERE NOT is_live) AS lapsed,
      coalesce(max(behind_ms) FILTER (WHERE is_live), 0) AS "behindMsMax"
    FROM (VALUES ('api'), ('embedded')) AS kinds (kind) LEFT JOIN seen USING (kind) GROUP BY kind ORDER BY kind`.execute(
    db,
  );
  return rows;
}

export type UnsealedEvents = { events: number; oldestAgeMs: number };

const unsealedCountedMax = 100_000;

/** Audit events without a seal. The count is bounded: sealing may have stopped for days. */
export async function readUnsealedEvents(db: Db): Promise<UnsealedEvents> {
  const { rows } = await sql<UnsealedEvents>`
    SELECT (SELECT count(*) FROM (SELECT FROM audit_unsealed LIMIT ${unsealedCountedMax}) AS waiting) AS events,
      coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - created_at) * 1000, 0)::float8
        FROM audit_events WHERE id = (SELECT min(event_id) FROM audit_unsealed)), 0) AS "oldestAgeMs"`.execute(
    db,
  );
  return rows[0] ?? { events: 0, oldestAgeMs: 0 };
}

export type KeyCount = { kind: string; status: string; pepperId: string; keys: number };

/**
 * All keys by kind, status and pepper, master keys included. Reads the whole table, a few tenths of
 * a second for a million keys. A chosen master key has no pepper, which is told as `none`.
 */
export async function countKeysByPepper(db: Db): Promise<KeyCount[]> {
  const { rows } = await sql<KeyCount>`
    SELECT kind, CASE WHEN status = 'active' AND NOT enabled THEN 'disabled'
      WHEN quarantined_until > clock_timestamp() THEN 'quarantined' ELSE status END AS status,
      pepper_id AS "pepperId", count(*) AS keys
    FROM api_keys GROUP BY 1, 2, 3
    UNION ALL
    SELECT 'master', CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= clock_timestamp() THEN 'expired'
      ELSE 'active' END, coalesce(pepper_id, 'none'), count(*)
    FROM master_keys GROUP BY 2, 3`.execute(db);
  return rows;
}
