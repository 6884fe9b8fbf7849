import type { Clock } from '../../domain/clock.ts';
import type { Organization } from '../../domain/organization.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { readTenantCounts, type TenantCounts } from '../../stores/postgres/organizations/counts.ts';
import { listEnvironments } from '../../stores/postgres/organizations/environments.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { presentTenant } from './present-organization.ts';

export type ShownTenant = Organization & { counts: TenantCounts; environments: string[] };

/** As many as a person looks through. */
const environmentsMax = 100;

/**
 * One organization, what it has, and the names of its newest environments. `ORGANIZATION_NOT_FOUND` when there is none, or when it
 * was deleted.
 */
export async function getTenant({ db, clock }: { db: Db; clock: Clock }, id: string): Promise<ShownTenant> {
  const tenant = presentTenant(await findOrganization(db, id));
  const [counts, environments] = await Promise.all([
    readTenantCounts(db, id, clock.now()),
    listEnvironments(db, id, environmentsMax),
  ]);
  return { ...tenant, counts, environments: environments.map(({ slug }) => slug) };
}
