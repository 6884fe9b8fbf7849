import type { OrganizationPrincipal, PlatformPrincipal } from '../../domain/principal.ts';
import type { ApiKeyReach } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { inOrganization } from '../../stores/postgres/organizations/row-scope.ts';

/**
 * A caller inside one organization, or an operator outside of tenants, who sees the keys of all and
 * of the platform.
 */
export type ApiKeyPrincipal = OrganizationPrincipal | PlatformPrincipal;

/**
 * Runs a read with the visibility of the principal. For a tenant it uses the database role that
 * sees no other tenant's rows and no platform keys.
 */
export function withinReach<T>(
  db: Database,
  principal: ApiKeyPrincipal,
  run: (tx: Tx, reach: ApiKeyReach) => Promise<T>,
): Promise<T> {
  if (!('organizationId' in principal)) {
    return db.transaction().execute((tx) => run(tx, { organizationId: null }));
  }
  const { organizationId } = principal;
  return inOrganization(db, organizationId, (tx) => run(tx, { organizationId }));
}
