import { sql } from 'kysely';
import type { Environment, OrganizationStatus } from '../../../domain/organization.ts';
import type { OrganizationPolicy } from '../../../domain/organization-policy.ts';
import type { Db, Tx } from '../database.ts';

const columns = ['id', 'slug', 'created_at'] as const;

/** True when this call created the environment. */
export async function insertEnvironment(
  tx: Tx,
  environment: { id: string; organizationId: string; slug: string; now: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('environments')
    .values({
      id: environment.id,
      organization_id: environment.organizationId,
      slug: environment.slug,
      created_at: environment.now,
    })
    .onConflict((conflict) => conflict.columns(['organization_id', 'slug']).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function hasEnvironment(db: Db, organizationId: string, slug: string): Promise<boolean> {
  const row = await db
    .selectFrom('environments')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('slug', '=', slug)
    .executeTakeFirst();
  return row !== undefined;
}

/** `status`: undefined when there is no such organization. */
type KeyHome = {
  status: OrganizationStatus | undefined;
  policy: OrganizationPolicy | null;
  hasEnvironment: boolean;
};

/**
 * Status and policy of an organization, and whether it has this environment. Locks the environment
 * until the transaction ends, as a mint does.
 */
export async function lockHome(tx: Tx, organizationId: string, slug: string): Promise<KeyHome> {
  const { rows } = await sql<KeyHome>`
    SELECT status, policy, place.id IS NOT NULL AS "hasEnvironment"
    FROM organizations LEFT JOIN LATERAL (
      SELECT id FROM environments WHERE organization_id = ${organizationId} AND slug = ${slug} FOR KEY SHARE
    ) AS place ON true
    WHERE organizations.id = ${organizationId}`.execute(tx);
  return rows[0] ?? { status: undefined, policy: null, hasEnvironment: false };
}

/** Newest first, starting after the environment `before`. */
export async function listEnvironments(
  db: Db,
  organizationId: string,
  limit: number,
  before?: string,
): Promise<Environment[]> {
  let query = db.selectFrom('environments').select(columns).where('organization_id', '=', organizationId);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toEnvironment);
}

/**
 * Deletes an environment and returns it. Mints lock its row (minted-keys.ts), so this waits for
 * running mints, and later ones wait for this. The caller checks `isEnvironmentInUse` next, and
 * rolls back if it is.
 */
export async function deleteEnvironment(
  tx: Tx,
  environment: { id: string; organizationId: string },
): Promise<Environment | undefined> {
  const row = await tx
    .deleteFrom('environments')
    .where('id', '=', environment.id)
    .where('organization_id', '=', environment.organizationId)
    .returning(columns)
    .executeTakeFirst();
  return row === undefined ? undefined : toEnvironment(row);
}

/**
 * Whether the current tenant has a key there that has not ended, user keys included, which it
 * cannot see itself.
 */
export async function isEnvironmentInUse(tx: Tx, slug: string, now: Date): Promise<boolean> {
  const { rows } = await sql<{ is_in_use: boolean }>`
    SELECT is_environment_in_use(${slug}, ${now}) AS is_in_use`.execute(tx);
  return rows[0]?.is_in_use ?? true;
}

function toEnvironment(row: { id: string; slug: string; created_at: Date }): Environment {
  return { id: row.id, slug: row.slug, createdAt: row.created_at };
}
