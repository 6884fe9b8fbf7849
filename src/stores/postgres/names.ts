import { type RawBuilder, sql } from 'kysely';
import type { PersonKind } from '../../domain/person.ts';
import type { Db } from './database.ts';
import { withinOrganizations } from './organizations/within.ts';

export const namedKinds = [
  'platform_user',
  'api_user',
  'organization',
  'api_key',
  'user_key',
  'role',
  'master_key',
] as const;
export type NamedKind = (typeof namedKinds)[number];

export type Named = { id: string; kind: NamedKind; name: string };

/** Rows by kind, found by their primary key. A user key without a name shows how it begins. */
const rowsOf: Record<NamedKind, RawBuilder<unknown>> = {
  platform_user: people('platform_user'),
  api_user: people('api_user'),
  organization: sql`SELECT id, name, id AS organization_id FROM organizations WHERE id <> '_platform'`,
  api_key: sql`SELECT id, name, CASE kind WHEN 'tenant' THEN organization_id END AS organization_id
    FROM api_keys WHERE kind IN ('tenant', 'platform')`,
  user_key: sql`SELECT id, coalesce(name, key_prefix || '…') AS name, organization_id FROM api_keys WHERE kind = 'user'`,
  role: sql`SELECT id, name, NULL AS organization_id FROM roles`,
  master_key: sql`SELECT id, name, NULL AS organization_id FROM master_keys`,
};

/** Deleted users keep their name until they are erased. */
function people(kind: PersonKind): RawBuilder<unknown> {
  return sql`SELECT id, coalesce(name, 'erased person') AS name, NULL AS organization_id FROM people
    WHERE kind = ${sql.lit(kind)}`;
}

/**
 * Names of the things with these ids, of the given kinds. `organizationIds`: only things of these
 * organizations; null for all. Unknown ids are absent.
 */
export async function listNames(
  db: Db,
  ids: readonly string[],
  { kinds, organizationIds }: { kinds: readonly NamedKind[]; organizationIds: readonly string[] | null },
): Promise<Named[]> {
  if (kinds.length === 0) return [];
  const within = withinOrganizations(organizationIds);
  const parts = kinds.map(
    (kind) => sql`SELECT id, ${kind} AS kind, name FROM (${rowsOf[kind]}) AS rows
      WHERE id = ANY(${[...ids]}::text[]) AND ${within}`,
  );
  const { rows } = await sql<Named>`${sql.join(parts, sql` UNION ALL `)}`.execute(db);
  return rows;
}
