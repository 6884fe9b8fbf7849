import { FlowplateError } from '../../domain/errors.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';

/** One platform user. `USER_NOT_FOUND` when there is none. */
export async function getPlatformUser(parts: { db: Db }, userId: string): Promise<PlatformUser> {
  const user = await findPlatformUser(parts.db, userId);
  if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
  return user;
}
