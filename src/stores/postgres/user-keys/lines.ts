import { sql } from 'kysely';
import type { Limited } from '../../../domain/reported-mark.ts';
import type { Db } from '../database.ts';

/** A line of keys: one key and what it was refreshed into. */
export type Line = {
  organizationId: string;
  environment: string;
  /** Undefined when it has neither rate limit nor quota. */
  limited: Limited | undefined;
};

/**
 * Those of these lines that exist. A line bears the id of its first key, and no key of it is in
 * another organization or environment; its newest key has the settings. Since when it is limited
 * stands in the rows that were there at the time, so the newest five are asked: more refreshes than
 * that within twenty minutes cost the calls of before.
 */
export async function listLines(db: Db, lineageIds: readonly string[]): Promise<Map<string, Line>> {
  const { rows } = await sql<{
    id: string;
    organization_id: string;
    environment: string;
    is_limited: boolean;
    limited_since: Date | null;
  }>`
    SELECT first.id, first.organization_id, first.environment,
      coalesce(later.is_limited, first.rate_limit IS NOT NULL OR first.quota IS NOT NULL) AS is_limited,
      greatest(first.limited_since, later.limited_since) AS limited_since
    FROM api_keys AS first LEFT JOIN LATERAL (
      SELECT (array_agg(rate_limit IS NOT NULL OR quota IS NOT NULL ORDER BY id DESC))[1] AS is_limited,
        max(limited_since) AS limited_since
      FROM (
        SELECT id, rate_limit, quota, limited_since FROM api_keys
        WHERE lineage_id = first.id AND id <> lineage_id ORDER BY id DESC LIMIT 5) AS newest
    ) AS later ON true
    WHERE first.id = ANY(${lineageIds}::text[]) AND first.lineage_id = first.id`.execute(db);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        organizationId: row.organization_id,
        environment: row.environment,
        limited: row.is_limited ? { sinceMs: row.limited_since?.getTime() ?? null } : undefined,
      },
    ]),
  );
}
