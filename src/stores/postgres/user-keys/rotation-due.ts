import { sql } from 'kysely';
import type { Db } from '../database.ts';

/**
 * When a key reaches the longest age that its organization's policy or its master key sets, the
 * earlier of both; null without one. For statements about `api_keys`.
 */
export const rotationDueAt = sql<Date | null>`(api_keys.created_at + make_interval(secs => least(
  (SELECT (policy ->> 'key_age_seconds_max')::float8 FROM organizations WHERE organizations.id = api_keys.organization_id),
  (SELECT key_age_seconds_max FROM master_keys WHERE master_keys.id = api_keys.minted_by))))`;

/** Due dates of keys, without those that have none. */
export async function listRotationsDue(db: Db, keyIds: readonly string[]): Promise<Map<string, Date>> {
  const rows = await db
    .selectFrom('api_keys')
    .select(['id', rotationDueAt.as('due_at')])
    .where('id', '=', sql<string>`any(${keyIds}::text[])`)
    .execute();
  return new Map(rows.flatMap(({ id, due_at }) => (due_at === null ? [] : [[id, due_at] as const])));
}
