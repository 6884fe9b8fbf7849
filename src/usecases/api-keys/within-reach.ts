import type { OrganizationPrincipal, PlatformPrincipal } from '../../domain/principal.ts';
import type { ApiKeyReach } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { inOrganization } from '../../stores/postgres/organizations/row-scope.ts';

/**
 * Somebody inside one organization, or an operator who is in none and sees the keys of all and of
 * the platform itself.
 */
export type ApiKeyPrincipal = OrganizationPrincipal | PlatformPrincipal;

/**
 * Reads as far as the principal reaches: for a tenant, in the database role that sees nothing of
 * another one and no platform keys either.
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
