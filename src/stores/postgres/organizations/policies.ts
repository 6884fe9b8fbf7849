import { sql } from 'kysely';
import type { OrganizationStatus } from '../../../domain/organization.ts';
import type { OrganizationPolicy, PolicyVersion } from '../../../domain/organization-policy.ts';
import type { Db, Tx } from '../database.ts';
import type { JsonObject } from '../schema.ts';

const columns = ['status', 'policy', 'policy_version'] as const;

export type GovernedOrganization = PolicyVersion & { status: OrganizationStatus };

/** Status and policy of an organization in one row. */
export async function findPolicy(db: Db, organizationId: string): Promise<GovernedOrganization | undefined> {
  const row = await db
    .selectFrom('organizations')
    .select(columns)
    .where('id', '=', organizationId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    status: row.status as OrganizationStatus,
    policy: row.policy as OrganizationPolicy | null,
    version: row.policy_version,
  };
}

/** Writes a policy. A mint whose statement begins after the commit follows it (minted-keys.ts). */
export async function writePolicy(
  tx: Tx,
  change: PolicyVersion & { organizationId: string; now: Date },
): Promise<void> {
  await tx
    .updateTable('organizations')
    .set({
      policy: change.policy as JsonObject | null,
      policy_version: change.version,
      updated_at: change.now,
    })
    .where('id', '=', change.organizationId)
    .execute();
}

/** An organization with the names of those environments that were asked for and exist. */
export type Home = GovernedOrganization & { environments: readonly string[] };

/** Homes of new keys in one statement, by organization. One that does not exist is left out. */
export async function findHomes(
  db: Db,
  places: readonly { organizationId: string; environment: string }[],
): Promise<Map<string, Home>> {
  const ids = [...new Set(places.map(({ organizationId }) => organizationId))];
  const slugs = [...new Set(places.map(({ environment }) => environment))];
  const { rows } = await sql<Home & { id: string }>`
    SELECT id, status, policy, policy_version AS version, ARRAY(
      SELECT slug FROM environments WHERE organization_id = organizations.id AND slug = ANY (${slugs}::text[])
    ) AS environments
    FROM organizations WHERE id = ANY (${ids}::text[])`.execute(db);
  return new Map(rows.map(({ id, ...home }) => [id, home]));
}
