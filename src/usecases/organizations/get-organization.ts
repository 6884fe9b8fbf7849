import type { Clock } from '../../domain/clock.ts';
import type { Organization } from '../../domain/organization.ts';
import { requireReach, type VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  type OrganizationCounts,
  readOrganizationCounts,
} from '../../stores/postgres/organizations/counts.ts';
import { listEnvironments } from '../../stores/postgres/organizations/environments.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { presentOrganization } from './present-organization.ts';

export type OrganizationDetails = Organization & { counts: OrganizationCounts; environments: string[] };

/** About as many as a person reads. */
const environmentsMax = 100;

/**
 * One organization, its counts, and the names of its newest environments. `ORGANIZATION_NOT_FOUND`
 * when there is none, or it is deleted.
 */
export async function getOrganization(
  { db, clock }: { db: Db; clock: Clock },
  principal: VisibleScope,
  id: string,
): Promise<OrganizationDetails> {
  requireReach(principal, id);
  const tenant = presentOrganization(await findOrganization(db, id));
  const [counts, environments] = await Promise.all([
    readOrganizationCounts(db, id, clock.now()),
    listEnvironments(db, id, environmentsMax),
  ]);
  return { ...tenant, counts, environments: environments.map(({ slug }) => slug) };
}
