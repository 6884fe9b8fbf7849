import { sql } from 'kysely';
import type { Db } from './database.ts';

/**
 * Those of these lines of keys that lie within the allow-lists; null allows all. A line bears the id of its first key, whose row
 * stays for ever, and no key of it is in another organization or environment.
 */
export async function listLineagesWithin(
  db: Db,
  lineageIds: readonly string[],
  within: { organizationIds: readonly string[] | null; environments: readonly string[] | null },
): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM api_keys
    WHERE id = ANY(${lineageIds}::text[])
      AND (${within.organizationIds}::text[] IS NULL OR organization_id = ANY(${within.organizationIds}::text[]))
      AND (${within.environments}::text[] IS NULL OR environment = ANY(${within.environments}::text[]))`.execute(
    db,
  );
  return new Set(rows.map((row) => row.id));
}
