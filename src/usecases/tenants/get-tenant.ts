import type { Organization } from '../../domain/organization.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import { presentTenant } from './present-tenant.ts';

/** One organization. `ORGANIZATION_NOT_FOUND` when there is none, or when it was deleted. */
export async function getTenant(parts: { db: Db }, id: string): Promise<Organization> {
  return presentTenant(await findOrganization(parts.db, id));
}
