import type { Environment } from '../../domain/organization.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { OrganizationPrincipal } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listEnvironments as findEnvironments } from '../../stores/postgres/organizations/environments.ts';
import { inOrganization } from '../../stores/postgres/organizations/row-scope.ts';

/** A page of the environments of the caller's organization, newest first. */
export async function listEnvironments(
  parts: { db: Database },
  { organizationId }: OrganizationPrincipal,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<Page<Environment>> {
  const found = await inOrganization(parts.db, organizationId, (tx) =>
    findEnvironments(tx, organizationId, limit + 1, before),
  );
  return toPage(found, limit, ({ id }) => id);
}
