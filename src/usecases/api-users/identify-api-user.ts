import type { ApiUserPrincipal } from '../../domain/principal.ts';
import { findApiUser } from '../../stores/postgres/api-users.ts';
import type { Db } from '../../stores/postgres/database.ts';

/** The API user of a key, with its current role; undefined when it was deleted or deactivated. */
export async function identifyApiUser(
  parts: { db: Db },
  { userId, keyId }: { userId: string; keyId: string },
): Promise<ApiUserPrincipal | undefined> {
  const user = await findApiUser(parts.db, userId);
  if (user === undefined || !user.isActive) return undefined;
  return { kind: 'api_user', id: user.id, name: user.name, role: user.role, keyId };
}
