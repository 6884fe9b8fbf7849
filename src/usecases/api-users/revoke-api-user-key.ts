import type { Origin } from '../../domain/audit-event.ts';
import { placesOf } from '../../domain/key-change.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { findApiUserKeyId, lockApiUser } from '../../stores/postgres/api-users.ts';
import { change } from '../change.ts';
import { type ApiUserParts, apiUserEvent, apiUserPlace } from './api-user-parts.ts';
import { replaceByUnknownKey } from './new-api-user.ts';

/** Ends a key of an API user. The user goes on, with a key that nobody knows. */
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
    const revokes = await replaceByUnknownKey(parts, tx, user, reason, now);
    return { answer: {}, events: [apiUserEvent('key_revoked', user, { key_id: keyId, reason })], revokes };
  });
  return propagation;
}
