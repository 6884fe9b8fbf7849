import type { Organization } from '../../domain/organization.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  findOrganizations,
  type OrganizationFilter,
  type OrganizationPlace,
} from '../../stores/postgres/organizations/organizations.ts';

export type TenantsRequest = Omit<OrganizationFilter, 'organizationIds'> & {
  limit: number;
  /** End of the previous page. */
  before?: OrganizationPlace | undefined;
};

/** A page of organizations, newest first. */
export async function listOrganizations(
  parts: { db: Db },
  { organizationIds }: Pick<VisibleScope, 'organizationIds'>,
  { limit, before, ...filter }: TenantsRequest,
): Promise<Page<Organization, OrganizationPlace>> {
  const found = await findOrganizations(parts.db, { ...filter, organizationIds }, limit + 1, before);
  return toPage(found, limit, (last) => last);
}
