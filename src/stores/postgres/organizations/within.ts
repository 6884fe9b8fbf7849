import { type RawBuilder, sql } from 'kysely';

/** Condition on a column `organization_id`: one of these organizations; null for all. */
export function withinOrganizations(ids: readonly string[] | null): RawBuilder<boolean> {
  return ids === null ? sql`true` : sql`organization_id = ANY(${[...ids]}::text[])`;
}
