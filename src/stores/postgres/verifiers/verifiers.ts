import { sql } from 'kysely';
import type { HistoryPosition } from '../../../domain/database-history.ts';
import type { Laggard } from '../../../domain/hub-progress.ts';
import type { Db } from '../database.ts';
import { historyColumns } from '../database-history.ts';

/**
 * Registers a verifier, or resets it. `appliedSeq`: start of its feed. `leaseMs`: length of its
 * leases. The first lease begins now if `isLive`, else with the first heartbeat.
 */
export async function upsertVerifier(
  db: Db,
  verifier: { id: string; appliedSeq: number; leaseMs: number; isLive: boolean; masterKeyId?: string },
): Promise<void> {
  const { id, appliedSeq, leaseMs, isLive, masterKeyId = null } = verifier;
  const isApi = masterKeyId === null;
  await sql`
    INSERT INTO verifiers (id, applied_seq, lease_ms, lease_until, master_key_id, knows_stops, reports_scopes)
    VALUES (${id}, ${appliedSeq}, ${leaseMs},
      clock_timestamp() + make_interval(secs => ${isLive ? leaseMs / 1_000 : 0}), ${masterKeyId}, ${isApi}, ${isApi})
    ON CONFLICT (id) DO UPDATE SET applied_seq = excluded.applied_seq, lease_ms = excluded.lease_ms,
      lease_until = greatest(verifiers.lease_until, excluded.lease_until), reached_seq = NULL, followers = '{}', laggards = '[]'`.execute(
    db,
  );
}

/**
 * Extends the lease of an API process, in its own committed transaction, unless it is more than
 * `changesPerRead` behind the feed. Returns the server's time, the last reported position, where
 * the database stands, the number of API processes with a live lease, and the longest lease of all
 * verifiers. Undefined when the row is gone: the verifier was silent so long that changes may be
 * gone too.
 */
export async function extendLease(
  db: Db,
  id: string,
  changesPerRead: number,
): Promise<ExtendedLease | undefined> {
  const isNear = sql`last_seq <= coalesce(reached_seq, applied_seq) + ${changesPerRead}`;
  const { rows } = await sql<ExtendedLease>`
    WITH feed AS (SELECT coalesce(max(seq), 0) AS last_seq FROM key_changes)
    UPDATE verifiers SET lease_until = CASE
      WHEN ${isNear} THEN ${aLeaseFromNow} ELSE lease_until END
    FROM feed WHERE id = ${id}
    RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs", applied_seq AS "appliedSeq",
      ${historyColumns},
      ${isNear} AS "isExtended",
      (SELECT count(*) FROM verifiers
        WHERE master_key_id IS NULL AND (id = ${id} OR lease_until > clock_timestamp())) AS "apiProcesses",
      (SELECT max(lease_ms) FROM verifiers) AS "leaseMsMax"`.execute(db);
  return rows[0];
}

type ExtendedLease = HistoryPosition & {
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

/** Whether the master key of a row of `verifiers` is valid. */
export const hasLiveMasterKey = sql`EXISTS (SELECT FROM master_keys WHERE master_keys.id = verifiers.master_key_id
  AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))`;

/** End of a verifier's last lease, its own or from a hub. */
export const livesUntil = sql`greatest(verifiers.lease_until, verifiers.followed_until)`;

export async function deleteVerifier(db: Db, id: string): Promise<void> {
  await db.deleteFrom('verifiers').where('id', '=', id).execute();
}

/**
 * Deletes verifiers that were silent for `ageMs` and whose silence was told (migration 0063), and
 * returns their number. Without the telling they stay for `untoldMs`.
 */
export async function deleteSilentVerifiers(
  db: Db,
  { ageMs, untoldMs }: { ageMs: number; untoldMs: number },
): Promise<number> {
  const ago = (ms: number) => sql<Date>`clock_timestamp() - make_interval(secs => ${ms / 1_000})`;
  const result = await db
    .deleteFrom('verifiers')
    .where(livesUntil, '<', ago(ageMs))
    .where(
      sql<boolean>`(${livesUntil} < ${ago(untoldMs)} OR ${livesUntil}::timestamptz(3)
        <= (SELECT told_until FROM event_watches WHERE name = 'verifier.lapsed'))`,
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** A master key's allow-lists; null lists allow all. */
type Reach = { organizationIds: string[] | null; environments: string[] | null };

export type VerifierProgress = Reach & {
  id: string;
  /** What it has applied: of a hub, itself and all its followers but the laggards. */
  appliedSeq: number;
  leaseUntil: Date;
  leaseMs: number;
  /** Master key of an embedded verifier, with its allow-lists. */
  masterKeyId: string | null;
  /** Followers of a hub by master key, and those that have not applied all. */
  followers: (Reach & {
    masterKeyId: string;
    count: number;
    laggards: Pick<Laggard, 'id' | 'appliedSeq'>[];
  })[];
};

/**
 * Verifiers with a live lease of their own by the server's clock, with the followers that they
 * speak for: only these may answer from memory. A laggard that follows another hub has said that it
 * relies on this one no more, and one without a row has returned its lease.
 */
export async function listLiveVerifiers(db: Db): Promise<VerifierProgress[]> {
  const { rows } = await sql<VerifierProgress>`
    SELECT verifiers.id, coalesce(reached_seq, applied_seq) AS "appliedSeq", lease_until AS "leaseUntil",
      lease_ms AS "leaseMs", master_key_id AS "masterKeyId", organization_ids AS "organizationIds", environments,
      CASE WHEN followers = '{}' AND laggards = '[]' THEN '[]' ELSE (
        SELECT coalesce(jsonb_agg(jsonb_build_object('masterKeyId', group_key.id,
          'organizationIds', group_key.organization_ids, 'environments', group_key.environments,
          'count', coalesce((verifiers.followers ->> group_key.id)::int, 0),
          'laggards', (SELECT coalesce(jsonb_agg(laggard), '[]') FROM jsonb_array_elements(verifiers.laggards) AS laggard
            WHERE laggard ->> 'masterKeyId' = group_key.id AND EXISTS (SELECT FROM verifiers AS follower
              WHERE follower.id = laggard ->> 'id' AND coalesce(follower.hub_id, verifiers.id) = verifiers.id)))),
          '[]')
        FROM master_keys AS group_key
        WHERE group_key.id IN (SELECT jsonb_object_keys(verifiers.followers)
          UNION SELECT laggard ->> 'masterKeyId' FROM jsonb_array_elements(verifiers.laggards) AS laggard)
      ) END AS followers
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
  /** Whether it tells which scopes it is asked for. */
  reportsScopes: boolean;
};

/** For monitoring: live verifiers first, and of those the ones furthest behind. */
export async function listVerifierLeases(db: Db, limit: number): Promise<VerifierLease[]> {
  const { rows } = await sql<VerifierLease>`
    WITH known AS (
      SELECT verifiers.id, verifiers.master_key_id, verifiers.started_at, verifiers.reports_scopes, ${livesUntil} AS lives_until,
        CASE WHEN verifiers.hub_id IS NULL THEN coalesce(verifiers.reached_seq, verifiers.applied_seq)
          ELSE coalesce((SELECT (laggard ->> 'appliedSeq')::bigint FROM jsonb_array_elements(hub.laggards) AS laggard
            WHERE laggard ->> 'id' = verifiers.id), hub.reached_seq, verifiers.applied_seq) END AS position
      FROM verifiers LEFT JOIN verifiers AS hub ON hub.id = verifiers.hub_id)
    SELECT id, master_key_id AS "masterKeyId", started_at AS "startedAt", reports_scopes AS "reportsScopes", lives_until AS "leaseUntil",
      (extract(epoch FROM lives_until - clock_timestamp()) * 1000)::float8 AS "leaseLeftMs", position AS "appliedSeq",
      coalesce((SELECT greatest(extract(epoch FROM clock_timestamp() - committed_at) * 1000, 0)::float8
        FROM key_changes WHERE seq > position ORDER BY seq LIMIT 1), 0) AS "behindMs"
    FROM known ORDER BY lives_until > clock_timestamp() DESC, position, id LIMIT ${limit}`.execute(db);
  return rows;
}

export async function countVerifiers(db: Db): Promise<{ live: number; lapsed: number }> {
  const { rows } = await sql<{ live: number; lapsed: number }>`
    SELECT count(*) FILTER (WHERE ${livesUntil} > clock_timestamp()) AS live,
      count(*) FILTER (WHERE ${livesUntil} <= clock_timestamp()) AS lapsed
    FROM verifiers`.execute(db);
  const [counts] = rows;
  if (counts === undefined) throw new Error('An aggregate has always one row');
  return counts;
}
