import type { Origin } from '../../domain/audit-event.ts';
import { placesOf } from '../../domain/key-change.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { findApiUserKeyId, lockApiUser } from '../../stores/postgres/api-users.ts';
import { change } from '../change.ts';
import { type ApiUserParts, apiUserPlace } from './api-user-parts.ts';
import { endKeyOfApiUser } from './new-api-user.ts';

/** Ends a key of an API user, which gets another one by a rotation. */
export async function revokeApiUserKey(
  parts: ApiUserParts,
  by: Origin,
  { keyId, userId }: { keyId: string; userId: string },
  reason: RevocationReason,
): Promise<Propagation> {
  const { propagation } = await change(parts, { by, ends: [userId] }, async (tx, now) => {
    const user = await lockApiUser(tx, userId);
    if (user === undefined || (await findApiUserKeyId(tx, userId)) !== keyId) {
      const audience = { places: placesOf([apiUserPlace]) };
      return { answer: {}, events: [], revokes: { alreadyTold: true, audience } };
    }
    return endKeyOfApiUser(parts, tx, { user, keyId }, reason, now);
  });
  return propagation;
}
