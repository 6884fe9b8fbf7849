import type { Organization } from '../../domain/organization.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  findOrganizations,
  type OrganizationFilter,
  type OrganizationPlace,
} from '../../stores/postgres/organizations/organizations.ts';

export type TenantsRequest = OrganizationFilter & {
  limit: number;
  /** Where the page before ended. */
  before?: OrganizationPlace | undefined;
};

/** A page of organizations, newest first, and where it ended when another one follows. */
export async function listOrganizations(
  parts: { db: Db },
  { limit, before, ...filter }: TenantsRequest,
): Promise<{ tenants: Organization[]; end: OrganizationPlace | undefined }> {
  const found = await findOrganizations(parts.db, filter, limit + 1, before);
  const tenants = found.slice(0, limit);
  return { tenants, end: found.length > limit ? tenants.at(-1) : undefined };
}
