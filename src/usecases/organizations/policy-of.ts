import { noPolicy, type PolicyVersion } from '../../domain/organization-policy.ts';
import { requireReach, type VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { findPolicy } from '../../stores/postgres/organizations/policies.ts';
import { presentOrganization } from './present-organization.ts';

/** The policy of an organization that an operator may see. `ORGANIZATION_NOT_FOUND` otherwise. */
export async function visiblePolicyOf(
  db: Db,
  principal: Pick<VisibleScope, 'organizationIds'>,
  organizationId: string,
): Promise<PolicyVersion> {
  requireReach(principal, organizationId);
  presentOrganization(await findOrganization(db, organizationId));
  return policyOf(db, organizationId);
}

/** The policy of an organization; `noPolicy` when it has none. */
export async function policyOf(db: Db, organizationId: string): Promise<PolicyVersion> {
  const { policy, version } = (await findPolicy(db, organizationId)) ?? noPolicy;
  return { policy, version };
}
