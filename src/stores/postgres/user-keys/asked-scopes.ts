import { sql } from 'kysely';
import { type AskedScope, askedScopesMax } from '../../../domain/asked-scope.ts';
import { idFloor } from '../../../domain/ids.ts';
import type { Db } from '../database.ts';
import { livesUntil } from '../verifiers/verifiers.ts';

/** A report looks back a year at most. */
const keptDays = 400;
/** Of an embedded verifier, which reports within seconds. */
const firstReportMs = 5 * 60_000;

const today = sql`(clock_timestamp() AT TIME ZONE 'UTC')::date`;

/**
 * Writes down that scopes were asked for today (migration 0073). A null scope, and a new one
 * beyond 1,000 of its organization, make the record of that organization begin anew. Returns the
 * organizations that it begins anew for. Left out are organizations that do not exist any more.
 * Safe to repeat.
 */
export async function saveAskedScopes(db: Db, asked: readonly AskedScope[]): Promise<string[]> {
  const organizations = asked.map(({ organizationId }) => organizationId);
  const { rows } = await sql<{ organizationId: string }>`
    WITH told AS (
      SELECT DISTINCT organization_id COLLATE "C" AS organization_id, scope COLLATE "C" AS scope
      FROM unnest(${organizations}::text[], ${asked.map(({ scope }) => scope)}::text[]) AS told (organization_id, scope)
    ), asked AS (
      SELECT told.* FROM told JOIN organizations ON organizations.id = told.organization_id
      WHERE scope IS NOT NULL AND status <> 'deleted'
    ), room AS (
      SELECT organization_id, ${askedScopesMax}::int - (SELECT count(*) FROM asked_scopes AS known
        WHERE known.organization_id = of_asked.organization_id) AS left_over
      FROM (SELECT DISTINCT organization_id FROM asked) AS of_asked
    ), surplus AS (
      SELECT organization_id, scope FROM (
        SELECT asked.*, left_over, row_number() OVER (PARTITION BY organization_id ORDER BY scope) AS place
        FROM asked JOIN room USING (organization_id) LEFT JOIN asked_scopes AS known USING (organization_id, scope)
        WHERE known.asked_on IS NULL) AS fresh
      WHERE place > left_over
    ), saved AS (
      INSERT INTO asked_scopes AS known (organization_id, scope, asked_on)
      SELECT organization_id, scope, ${today} FROM asked
      WHERE NOT EXISTS (SELECT FROM surplus WHERE surplus.organization_id = asked.organization_id
        AND surplus.scope = asked.scope)
      ORDER BY 1, 2
      ON CONFLICT (organization_id, scope) DO UPDATE SET asked_on = excluded.asked_on
        WHERE known.asked_on < excluded.asked_on
    )
    INSERT INTO scope_records AS known (organization_id, since)
    SELECT organization_id, clock_timestamp() FROM (
      SELECT organization_id FROM told WHERE scope IS NULL AND (organization_id = '*'
        OR EXISTS (SELECT FROM organizations WHERE id = organization_id))
      UNION SELECT organization_id FROM surplus) AS incomplete
    ORDER BY 1
    ON CONFLICT (organization_id) DO UPDATE SET since = greatest(known.since, excluded.since)
    RETURNING organization_id AS "organizationId"`.execute(db);
  return rows.map(({ organizationId }) => organizationId);
}

/** Notes that an embedded verifier reports the scopes that it is asked for. */
export async function setReportsScopes(db: Db, verifierId: string): Promise<void> {
  await db
    .updateTable('verifiers')
    .set({ reports_scopes: true })
    .where('id', '=', verifierId)
    .where('reports_scopes', '=', false)
    .execute();
}

/**
 * Begins the record, and begins it anew after a day in which nobody looked, and for organizations
 * whose keys a verifier decides on that does not report: it has a lease, and is of the previous
 * release. Of an embedded one these are the organizations of its master key.
 */
export async function checkScopeRecords(db: Db): Promise<void> {
  await sql`
    INSERT INTO scope_records AS known (organization_id, since, checked_at)
    VALUES ('*', clock_timestamp(), clock_timestamp())
    ON CONFLICT (organization_id) DO UPDATE SET checked_at = excluded.checked_at, since = CASE
      WHEN known.checked_at > clock_timestamp() - interval '1 day' THEN known.since ELSE excluded.since END`.execute(
    db,
  );
  await sql`
    INSERT INTO scope_records AS known (organization_id, since)
    SELECT DISTINCT unnest(coalesce(master_keys.organization_ids, '{*}')), clock_timestamp()
    FROM verifiers LEFT JOIN master_keys ON master_keys.id = verifiers.master_key_id
    WHERE NOT reports_scopes AND ${livesUntil} > clock_timestamp() AND (master_key_id IS NULL
      OR started_at < clock_timestamp() - make_interval(secs => ${firstReportMs / 1_000}))
    ORDER BY 1
    ON CONFLICT (organization_id) DO UPDATE SET since = greatest(known.since, excluded.since)`.execute(db);
}

/** Deletes what no report can show: scopes of deleted organizations and of long ago. */
export async function deleteOldAskedScopes(db: Db): Promise<number> {
  await sql`DELETE FROM scope_records WHERE organization_id IN (
    SELECT id FROM organizations WHERE status = 'deleted')`.execute(db);
  const { numAffectedRows } = await sql`
    DELETE FROM asked_scopes WHERE asked_on < ${today} - ${keptDays}::int OR organization_id IN (
      SELECT id FROM organizations WHERE status = 'deleted')`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/**
 * Since when what gateways ask for is recorded without a gap: of all organizations, or of one.
 * Null before the record has begun.
 */
export async function findScopesRecordedSince(db: Db, organizationId?: string): Promise<Date | null> {
  const { rows } = await sql<{ since: Date | null }>`
    SELECT max(since) AS since FROM scope_records WHERE organization_id IN ('*', ${organizationId ?? '*'})`.execute(
    db,
  );
  return rows[0]?.since ?? null;
}

/** A day is left for the time between two tellings of a scope. */
const askedSince = (at: Date) => sql`FROM asked_scopes AS asked
  WHERE asked.organization_id = api_keys.organization_id
    AND asked.asked_on >= (${at}::timestamptz AT TIME ZONE 'UTC')::date - 1`;

/**
 * Whether it can be said what gateways asked for since a time: the key's line is older, the record
 * is older, and gateways ask for scopes at all in this organization. Where they ask for none, the
 * scopes are checked elsewhere.
 */
const isRecordedSince = (at: Date) => sql<boolean>`(api_keys.lineage_id < ${idFloor('key', at)}
  AND (SELECT since FROM scope_records WHERE organization_id = '*') <= ${at}
  AND NOT EXISTS (SELECT FROM scope_records AS own
    WHERE own.organization_id = api_keys.organization_id AND own.since > ${at})
  AND EXISTS (SELECT ${askedSince(at)}))`;

/** Scopes of a key that no gateway has asked for, of any key of its organization. */
const unaskedOf = (at: Date) => sql`FROM unnest(api_keys.scopes) WITH ORDINALITY AS held (scope, place)
  WHERE NOT EXISTS (SELECT ${askedSince(at)} AND asked.scope = held.scope COLLATE "C")`;

export function hasUnaskedScopes(since: Date) {
  return sql<boolean>`(api_keys.scopes <> '{}' AND ${isRecordedSince(since)}
    AND EXISTS (SELECT ${unaskedOf(since)}))`;
}

/** `unasked`: null when it cannot be said. */
export type ScopesOfKey = { unasked: string[] | null; recordedSince: Date | null };

export async function listUnaskedScopes(
  db: Db,
  keyIds: readonly string[],
  since: Date,
): Promise<Map<string, ScopesOfKey>> {
  const rows = await db
    .selectFrom('api_keys')
    .select([
      'id',
      sql<string[] | null>`CASE WHEN ${isRecordedSince(since)}
        THEN ARRAY(SELECT scope ${unaskedOf(since)} ORDER BY place) END`.as('unasked'),
      sql<Date | null>`(SELECT max(since) FROM scope_records
        WHERE scope_records.organization_id IN ('*', api_keys.organization_id))`.as('recordedSince'),
    ])
    .where('id', '=', sql<string>`any(${keyIds}::text[])`)
    .execute();
  return new Map(rows.map(({ id, ...scopes }) => [id, scopes]));
}
