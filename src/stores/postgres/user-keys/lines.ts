import { sql } from 'kysely';
import type { Limited } from '../../../domain/reported-mark.ts';
import type { Db } from '../database.ts';

/** A line of keys: a key and its successors by refresh. */
export type Line = {
  organizationId: string;
  environment: string;
  /** Undefined without rate limit and quota. */
  limited: Limited | undefined;
};

/**
 * Reads the existing lines. A line has the id of its first key, and all its keys share organization
 * and environment; the newest has the settings. `limited_since` is on the rows that existed at the
 * time, so the newest five are read. More refreshes within twenty minutes lose the earlier calls.
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
