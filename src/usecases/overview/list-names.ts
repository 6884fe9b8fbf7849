import type { PlatformPermission } from '../../domain/permission.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import { superAdminRoleId } from '../../domain/role.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  listNames as findNames,
  type Named,
  type NamedKind,
  namedKinds,
} from '../../stores/postgres/names.ts';

export { namedKinds };

/** Right that lists the things of a kind. It shows their names too. */
const needs: Record<NamedKind, PlatformPermission | 'super-admin'> = {
  platform_user: 'platform:users:read',
  // Lists of API users are for their administrators, who are no operators; events are for these.
  api_user: 'platform:audit:read',
  organization: 'platform:tenants:read',
  api_key: 'platform:keys:read',
  user_key: 'platform:hidden_keys:read',
  role: 'platform:roles:read',
  master_key: 'super-admin',
};

/**
 * Names of things by id, for logs that keep ids only. Absent: unknown ids, kinds that the operator
 * may not list, and things of other organizations than the impersonated one.
 */
export function listNames(
  { db }: { db: Db },
  principal: PlatformPrincipal,
  ids: readonly string[],
): Promise<Named[]> {
  const kinds = namedKinds.filter((kind) => {
    const need = needs[kind];
    return need === 'super-admin'
      ? principal.roleIds.includes(superAdminRoleId)
      : principal.permissions.includes(need);
  });
  return findNames(db, ids, { kinds, organizationIds: principal.organizationIds });
}
