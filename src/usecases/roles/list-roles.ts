import type { Role } from '../../domain/role.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listRoles as readRoles } from '../../stores/postgres/platform-users/roles.ts';

/** All roles, the built-in ones first. */
export function listRoles(parts: { db: Db }): Promise<Role[]> {
  return readRoles(parts.db);
}
