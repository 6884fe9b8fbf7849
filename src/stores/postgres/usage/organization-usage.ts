import { sql } from 'kysely';
import { utcDay } from '../../../domain/usage.ts';
import type { Db } from '../database.ts';
import { withinOrganizations } from '../organizations/within.ts';

export type UsageDay = { day: Date; accepted: number; refused: number };
export type OrganizationUsage = { id: string; name: string; accepted: number; refused: number };

type Days = { from: Date; to: Date };
/** `organizationIds`: null for all organizations. */
type Within = { organizationIds: readonly string[] | null };

/**
 * Organizations by their accepted calls on the UTC days of `[from, to)`, most first, without the
 * platform's own. Deleted ones are there: their calls happened.
 */
export async function listOrganizationUsage(
  db: Db,
  days: Days,
  { organizationIds }: Within,
  limit: number,
): Promise<OrganizationUsage[]> {
  const { rows } = await sql<OrganizationUsage>`
    SELECT id, name, ${sum('accepted')} AS accepted, ${sum('refused')} AS refused
    FROM organization_days JOIN organizations ON id = organization_id
    WHERE ${within(days, organizationIds)}
    GROUP BY id, name ORDER BY sum(accepted) DESC, sum(refused) DESC, id LIMIT ${limit}`.execute(db);
  return rows;
}

/** Calls of each organization by UTC day. Days without calls are absent. */
export async function listUsageDays(
  db: Db,
  days: Days,
  organizationIds: readonly string[],
): Promise<(UsageDay & { organizationId: string })[]> {
  const { rows } = await sql<UsageDay & { organizationId: string }>`
    SELECT organization_id AS "organizationId", day::timestamp AT TIME ZONE 'UTC' AS day, accepted, refused
    FROM organization_days WHERE ${within(days, organizationIds)} ORDER BY organization_id, day`.execute(db);
  return rows;
}

/** Calls of all organizations by UTC day, those beyond a list of the most used included. */
export async function listUsageOfAll(db: Db, days: Days, { organizationIds }: Within): Promise<UsageDay[]> {
  const { rows } = await sql<UsageDay>`
    SELECT day::timestamp AT TIME ZONE 'UTC' AS day, ${sum('accepted')} AS accepted, ${sum('refused')} AS refused
    FROM organization_days WHERE ${within(days, organizationIds)} GROUP BY day ORDER BY day`.execute(db);
  return rows;
}

function sum(column: 'accepted' | 'refused') {
  return sql`least(coalesce(sum(${sql.ref(column)}), 0), 9223372036854775807)::bigint`;
}

function within({ from, to }: Days, organizationIds: readonly string[] | null) {
  return sql`day >= ${utcDay(from)}::date AND day < ${utcDay(to)}::date AND organization_id <> '_platform' AND ${withinOrganizations(organizationIds)}`;
}
