import type { Db } from '../../stores/postgres/database.ts';
import { isThereAPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';

/** Whether there is a user who could log in. */
export function isPlatformBootstrapped(parts: { db: Db }): Promise<boolean> {
  return isThereAPlatformUser(parts.db);
}
