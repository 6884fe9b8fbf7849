import type { Clock } from '../../domain/clock.ts';
import type { Organization } from '../../domain/organization.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  type OrganizationCounts,
  readOrganizationCounts,
} from '../../stores/postgres/organizations/counts.ts';
import { listEnvironments } from '../../stores/postgres/organizations/environments.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { presentOrganization } from './present-organization.ts';

export type OrganizationDetails = Organization & { counts: OrganizationCounts; environments: string[] };

/** As many as a person looks through. */
const environmentsMax = 100;

/**
 * One organization, what it has, and the names of its newest environments. `ORGANIZATION_NOT_FOUND`
 * when there is none, or when it was deleted.
 */
export async function getOrganization(
  { db, clock }: { db: Db; clock: Clock },
  id: string,
): Promise<OrganizationDetails> {
  const tenant = presentOrganization(await findOrganization(db, id));
  const [counts, environments] = await Promise.all([
    readOrganizationCounts(db, id, clock.now()),
    listEnvironments(db, id, environmentsMax),
  ]);
  return { ...tenant, counts, environments: environments.map(({ slug }) => slug) };
}
