import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { isMasterKey, type Principal } from '../../domain/principal.ts';
import type { Key, KeySettings } from '../../domain/user-key.ts';
import type { Owner } from './issue-secret.ts';

/**
 * The row of an imported key. Its secret is known to its holder alone; what may be shown of it is
 * the lookup, if there is one. Whoever imported it counts as its minter, for bounds and stops.
 */
export function issueImported(
  { randomBytes }: { randomBytes: RandomBytes },
  by: Principal,
  { lookup, ...wanted }: KeySettings & Owner & { lookup: string | null },
  now: Date,
): Key {
  const id = newId('key', now, randomBytes);
  return {
    ...wanted,
    id,
    lineageId: id,
    keyPrefix: lookup ?? '',
    mintedBy: isMasterKey(by) ? by.id : null,
    mintNumber: null,
    status: 'active',
    activatedAt: null,
    supersededUntil: null,
    quarantinedUntil: null,
    revokedAt: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    revision: 1,
  };
}
