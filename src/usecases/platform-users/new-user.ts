import { newId } from '../../domain/ids.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { PlatformUserParts } from './platform-user-parts.ts';

export type NewPlatformUser = Pick<PlatformUser, 'email' | 'name' | 'roleIds'> & { password: string };

/** Row of a new platform user. */
export function toNewUser(
  parts: Pick<PlatformUserParts, 'randomBytes'>,
  wanted: Pick<PlatformUser, 'email' | 'name' | 'roleIds'>,
  now: Date,
): PlatformUser {
  return {
    ...wanted,
    id: newId('platformUser', now, parts.randomBytes),
    isActive: true,
    lastLoginAt: null,
    createdAt: now,
    updatedAt: now,
    isBreakGlass: false,
    hasPassword: true,
  };
}
