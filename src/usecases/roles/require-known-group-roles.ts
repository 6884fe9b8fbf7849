import { type GroupRoles, mappedRoles } from '../../domain/group-roles.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listUnknownRoles } from '../../stores/postgres/platform-users/roles.ts';

/** Throws when OIDC_ROLES names a role that does not exist: its people could not sign in. */
export async function requireKnownGroupRoles(db: Db, groupRoles: GroupRoles): Promise<void> {
  const unknown = await listUnknownRoles(db, mappedRoles(groupRoles));
  if (unknown.length > 0) throw new Error(`OIDC_ROLES names roles that do not exist: ${unknown.join(', ')}`);
}
