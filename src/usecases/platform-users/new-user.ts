import { newId } from '../../domain/ids.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { OperatorParts } from './platform-user-parts.ts';

export type NewOperator = Pick<PlatformUser, 'email' | 'name' | 'roleIds'> & { password: string };

/** The row of a platform user who has never logged in. */
export function toNewUser(
  parts: Pick<OperatorParts, 'randomBytes'>,
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
  };
}
