import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { revokeApiUserKey } from '../../stores/postgres/api-users.ts';
import { change } from '../change.ts';
import {
  type ApiUserParts,
  apiUserEvent,
  lockUser,
  requireUserId,
  revokesApiUserKey,
} from './api-user-parts.ts';
import { insertNewKey } from './new-api-user.ts';

/**
 * Replaces the key of a user; the old one ends at once, and usage carries over. Rotations of one
 * user are serialised by its row: of two at once both succeed, and the last key works. The key of a
 * deactivated user stays inactive. `USER_NOT_FOUND`.
 */
export async function rotateApiUserKey(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  id: string,
  idempotency?: Idempotency,
): Promise<{ secret: string; propagation: Propagation; isReplay: boolean }> {
  const options = { by: caller, ends: [requireUserId(id)], idempotency };
  const { answer, ...rest } = await change<{ secret: string }>(parts, options, async (tx, now) => {
    const user = await lockUser(tx, id);
    const old = await revokeApiUserKey(tx, id, 'superseded', now);
    const key = { userId: id, enabled: user.isActive, lineageId: old.lineageId };
    return {
      answer: { secret: await insertNewKey(parts, tx, key, now) },
      events: [apiUserEvent('key_rotated', user, { previous_key_id: old.id })],
      revokes: revokesApiUserKey(old),
    };
  });
  return { ...answer, ...rest };
}
