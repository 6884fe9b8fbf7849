import { noPolicy, type PolicyVersion } from '../../domain/organization-policy.ts';
import { type OrganizationPrincipal, requireReach, type VisibleScope } from '../../domain/principal.ts';
import type { Database, Db } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { findPolicy } from '../../stores/postgres/organizations/policies.ts';
import { inOrganization } from '../../stores/postgres/organizations/row-scope.ts';
import { presentOrganization } from './present-organization.ts';

/** The policy of an organization, for operators. `ORGANIZATION_NOT_FOUND` also when deleted. */
export async function getPolicy(
  { db }: { db: Db },
  principal: Pick<VisibleScope, 'organizationIds'>,
  id: string,
): Promise<PolicyVersion> {
  requireReach(principal, id);
  presentOrganization(await findOrganization(db, id));
  return policyOf(db, id);
}

/** The policy of the caller's own organization. */
export function getOwnPolicy(
  { db }: { db: Database },
  { organizationId }: OrganizationPrincipal,
): Promise<PolicyVersion> {
  return inOrganization(db, organizationId, (tx) => policyOf(tx, organizationId));
}

async function policyOf(db: Db, organizationId: string): Promise<PolicyVersion> {
  const { policy, version } = (await findPolicy(db, organizationId)) ?? noPolicy;
  return { policy, version };
}
