import { sql } from 'kysely';
import { utcDay } from '../../../domain/usage.ts';
import type { VerdictCode } from '../../../domain/verdict.ts';
import type { Database, Db } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { topKeysMax } from './add-usage.ts';

export type TrafficRange = { from: Date; to: Date; granularity: 'hour' | 'day' };

export type TrafficSum = { start: Date; code: VerdictCode; calls: number };

/**
 * Calls of all keys in `[from, to)` by outcome, oldest first. Hours and days without calls are
 * absent.
 */
export async function listTraffic(db: Db, { from, to, granularity }: TrafficRange): Promise<TrafficSum[]> {
  const { rows } =
    granularity === 'hour'
      ? await sql<TrafficSum>`
          SELECT hour AS start, code, least(sum(calls), 9223372036854775807)::bigint AS calls FROM traffic_hours
          WHERE hour >= ${from} AND hour < ${to} GROUP BY hour, code ORDER BY hour, code`.execute(db)
      : await sql<TrafficSum>`
          SELECT day::timestamp AT TIME ZONE 'UTC' AS start, code, least(sum(calls), 9223372036854775807)::bigint AS calls FROM traffic_days
          WHERE day >= ${utcDay(from)}::date AND day < ${utcDay(to)}::date GROUP BY day, code ORDER BY day, code`.execute(
          db,
        );
  return rows;
}

export type OrganizationTraffic = { id: string; name: string; accepted: number; refused: number };

/**
 * Organizations with the most accepted calls on a UTC day, without deleted ones and the platform's
 * own.
 */
export async function listTopOrganizations(db: Db, day: Date, limit: number): Promise<OrganizationTraffic[]> {
  const { rows } = await sql<OrganizationTraffic>`
    SELECT id, name, accepted, refused FROM organization_days JOIN organizations ON id = organization_id
    WHERE day = ${utcDay(day)}::date AND accepted > 0 AND organization_id <> '_platform' AND status <> 'deleted'
    ORDER BY accepted DESC, organization_id LIMIT ${limit}`.execute(db);
  return rows;
}

export type KeyTraffic = {
  id: string;
  kind: 'tenant' | 'platform' | 'user';
  name: string | null;
  organizationId: string;
  keyPrefix: string;
  /** Hidden keys have none. */
  keySuffix: string | null;
  accepted: number;
  refused: number;
};

/**
 * Keys with the most accepted calls on a UTC day. For a line of refreshed keys the newest is shown.
 * Deleted keys and calls with a secret in its grace (SUPERSEDED) are left out.
 */
export async function listTopKeys(
  db: Db,
  kinds: 'shown' | 'hidden',
  day: Date,
  limit: number,
): Promise<KeyTraffic[]> {
  const { rows } = await sql<KeyTraffic>`
    SELECT newest.*, top.calls AS accepted,
      (SELECT least(coalesce(sum(calls), 0), 9223372036854775807)::bigint FROM usage_days refusals
        WHERE refusals.lineage_id = top.lineage_id AND refusals.day = top.day
          AND refusals.code NOT IN ('VALID', 'SUPERSEDED')) AS refused
    FROM usage_tops top CROSS JOIN LATERAL (
      SELECT key.id, key.kind, key.name, key.organization_id AS "organizationId", key.key_prefix AS "keyPrefix",
        key.key_suffix AS "keySuffix"
      FROM api_keys first JOIN api_keys key ON key.user_id = first.user_id AND key.lineage_id = first.id
      WHERE first.id = top.lineage_id AND key.kind IN ('tenant', 'platform', 'user')
      ORDER BY key.id DESC LIMIT 1) newest
    WHERE top.day = ${utcDay(day)}::date AND top.is_hidden = ${kinds === 'hidden'}
    ORDER BY top.calls DESC, top.lineage_id LIMIT ${limit}`.execute(db);
  return rows;
}

/** Deletes the keys below the exact ranking on the days since `since`. */
export async function trimTopKeys(db: Db, since: Date): Promise<void> {
  await sql`
    DELETE FROM usage_tops USING (
      SELECT day, lineage_id, calls, row_number() OVER (PARTITION BY day, is_hidden ORDER BY calls DESC, lineage_id) AS place
      FROM usage_tops WHERE day >= ${utcDay(since)}::date) AS placed
    WHERE usage_tops.day = placed.day AND usage_tops.lineage_id = placed.lineage_id
      AND usage_tops.calls = placed.calls AND place > ${topKeysMax}`.execute(db);
}

/** Deletes hours and days past their retention. */
export async function deleteTraffic(db: Database, before: { hours: Date; days: Date }): Promise<void> {
  await deleteInBatches(db, 'traffic_hours', sql`hour < ${before.hours}`);
  for (const table of ['traffic_days', 'organization_days', 'usage_tops'] as const) {
    await deleteInBatches(db, table, sql`day < ${utcDay(before.days)}::date`);
  }
}
