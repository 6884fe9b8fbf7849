import type { PlatformPrincipal } from '../../domain/principal.ts';
import { findApiKeyHolder } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listPermissionsOf } from '../../stores/postgres/platform-users/roles.ts';

/** The operator of a platform key, with the current permissions of its roles. */
export async function identifyPlatformKey(
  parts: { db: Db },
  keyId: string,
): Promise<PlatformPrincipal | undefined> {
  const holder = await findApiKeyHolder(parts.db, keyId);
  if (holder === undefined) return undefined;
  const { name, roleIds } = holder;
  const permissions = await listPermissionsOf(parts.db, roleIds);
  return {
    kind: 'platform_key',
    id: keyId,
    name,
    roleIds,
    permissions,
    sessionId: null,
    lacksSecondFactor: false,
    organizationIds: null,
    environments: null,
  };
}
