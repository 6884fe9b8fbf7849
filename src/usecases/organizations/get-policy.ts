import type { PolicyVersion } from '../../domain/organization-policy.ts';
import type { OrganizationPrincipal, VisibleScope } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { inOrganization } from '../../stores/postgres/organizations/row-scope.ts';
import { policyOf, visiblePolicyOf } from './policy-of.ts';

/** The policy of an organization, for operators. `ORGANIZATION_NOT_FOUND` also when deleted. */
export function getPolicy(
  { db }: { db: Database },
  principal: Pick<VisibleScope, 'organizationIds'>,
  id: string,
): Promise<PolicyVersion> {
  return visiblePolicyOf(db, principal, id);
}

/** The policy of the caller's own organization. */
export function getOwnPolicy(
  { db }: { db: Database },
  { organizationId }: OrganizationPrincipal,
): Promise<PolicyVersion> {
  return inOrganization(db, organizationId, (tx) => policyOf(tx, organizationId));
}
