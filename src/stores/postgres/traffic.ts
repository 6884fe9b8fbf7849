import { sql } from 'kysely';
import type { UsageMark } from '../../domain/usage.ts';
import { isAccepted, type VerdictCode } from '../../domain/verdict.ts';
import type { Db, Tx } from './database.ts';
import { numbers } from './numbers.ts';

/**
 * Adds these marks to the sums of all keys and of each organization. Rows are written in order, so that two roll-ups never wait in a
 * circle. A key that was deleted before its calls came here belongs to no organization any more.
 */
export async function addTraffic(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const minutes = sumUp(marks);
  const input = sql`(SELECT to_timestamp(ms / 1000) AS minute, code, calls FROM unnest(
    ${numbers(minutes.map((sum) => sum.minuteMs))}, ${minutes.map((sum) => sum.code)}::text[],
    ${numbers(minutes.map((sum) => sum.calls))}) AS sum (ms, code, calls)) AS minutes`;
  await sql`
    INSERT INTO traffic_hours AS sums (hour, code, shard, calls)
    SELECT date_trunc('hour', minute, 'UTC'), code, pg_backend_pid() % 16, sum(calls) FROM ${input}
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (hour, code, shard) DO UPDATE SET calls = sums.calls + excluded.calls`.execute(tx);
  await sql`
    INSERT INTO traffic_days AS sums (day, code, shard, calls)
    SELECT (minute AT TIME ZONE 'UTC')::date, code, pg_backend_pid() % 16, sum(calls) FROM ${input}
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day, code, shard) DO UPDATE SET calls = sums.calls + excluded.calls`.execute(tx);
  await addToOrganizations(tx, marks);
}

async function addToOrganizations(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const accepted = marks.map((mark) => isAccepted(mark.code));
  await sql`
    INSERT INTO organization_days AS sums (day, organization_id, accepted, refused)
    SELECT (to_timestamp(ms / 1000) AT TIME ZONE 'UTC')::date, organization_id,
      coalesce(sum(calls) FILTER (WHERE is_accepted), 0), coalesce(sum(calls) FILTER (WHERE NOT is_accepted), 0)
    FROM unnest(
      ${marks.map((mark) => mark.lineageId)}::text[], ${numbers(marks.map((mark) => mark.minuteMs))}, ${accepted}::boolean[],
      ${numbers(marks.map((mark) => mark.calls))}) AS mark (lineage_id, ms, is_accepted, calls)
    JOIN api_keys ON api_keys.id = mark.lineage_id
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day, organization_id) DO UPDATE
    SET accepted = sums.accepted + excluded.accepted, refused = sums.refused + excluded.refused`.execute(tx);
}

type MinuteSum = Pick<UsageMark, 'minuteMs' | 'code' | 'calls'>;

/** Of thousands of lines a handful of sums: what all of them did in a minute, by outcome. */
function sumUp(marks: readonly UsageMark[]): MinuteSum[] {
  const sums = new Map<string, MinuteSum>();
  for (const { minuteMs, code, calls } of marks) {
    const name = `${minuteMs} ${code}`;
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, { minuteMs, code, calls });
    else sum.calls += calls;
  }
  return [...sums.values()];
}

export type TrafficRange = { from: Date; to: Date; granularity: 'hour' | 'day' };

export type TrafficSum = { start: Date; code: VerdictCode; calls: number };

/** Calls of all keys in `[from, to)` by outcome, oldest first; hours and days that saw no call are absent. */
export async function listTraffic(db: Db, { from, to, granularity }: TrafficRange): Promise<TrafficSum[]> {
  const { rows } =
    granularity === 'hour'
      ? await sql<TrafficSum>`
          SELECT hour AS start, code, sum(calls)::bigint AS calls FROM traffic_hours
          WHERE hour >= ${from} AND hour < ${to} GROUP BY hour, code ORDER BY hour, code`.execute(db)
      : await sql<TrafficSum>`
          SELECT day::timestamp AT TIME ZONE 'UTC' AS start, code, sum(calls)::bigint AS calls FROM traffic_days
          WHERE day >= ${utcDay(from)}::date AND day < ${utcDay(to)}::date GROUP BY day, code ORDER BY day, code`.execute(
          db,
        );
  return rows;
}

export type OrganizationTraffic = { id: string; name: string; accepted: number; refused: number };

/** The organizations with the most accepted calls on a UTC day, most first; neither deleted ones nor the platform's own. */
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
 * The keys with the most accepted calls on a UTC day, most first; of those that a refresh has followed, the newest stands for the
 * line. What was deleted is left out, and calls with a secret in its grace (SUPERSEDED) are in no order that an index could give.
 */
export async function listTopKeys(
  db: Db,
  kinds: 'shown' | 'hidden',
  day: Date,
  limit: number,
): Promise<KeyTraffic[]> {
  // As the partial indexes spell it: a parameter would not be known to mean the same.
  const prefix = sql.lit(kinds === 'shown' ? 'ak_' : 'flk_');
  const { rows } = await sql<KeyTraffic>`
    SELECT newest.*, top.calls AS accepted,
      (SELECT coalesce(sum(calls), 0)::bigint FROM usage_days refusals
        WHERE refusals.lineage_id = top.lineage_id AND refusals.day = top.day
          AND refusals.code NOT IN ('VALID', 'SUPERSEDED')) AS refused
    FROM usage_days top CROSS JOIN LATERAL (
      SELECT key.id, key.kind, key.name, key.organization_id AS "organizationId", key.key_prefix AS "keyPrefix",
        key.key_suffix AS "keySuffix"
      FROM api_keys first JOIN api_keys key ON key.user_id = first.user_id AND key.lineage_id = first.id
      WHERE first.id = top.lineage_id AND key.kind IN ('tenant', 'platform', 'user')
      ORDER BY key.id DESC LIMIT 1) newest
    WHERE top.day = ${utcDay(day)}::date AND top.code = 'VALID' AND starts_with(top.lineage_id, ${prefix})
    ORDER BY top.calls DESC, top.lineage_id LIMIT ${limit}`.execute(db);
  return rows;
}

/** Forgets hours and days that are past their retention. */
export async function deleteTraffic(db: Db, before: { hours: Date; days: Date }): Promise<void> {
  await sql`DELETE FROM traffic_hours WHERE hour < ${before.hours}`.execute(db);
  await sql`DELETE FROM traffic_days WHERE day < ${utcDay(before.days)}::date`.execute(db);
  await sql`DELETE FROM organization_days WHERE day < ${utcDay(before.days)}::date`.execute(db);
}

function utcDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}
