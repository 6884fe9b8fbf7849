import type { Origin } from '../../domain/audit-event.ts';
import { placesOf } from '../../domain/key-change.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import {
  findApiUserKeyId,
  lockApiUser,
  revokeApiUserKey as markRevoked,
} from '../../stores/postgres/api-users.ts';
import { change } from '../change.ts';
import { type ApiUserParts, apiUserEvent, apiUserPlace, revokesApiUserKey } from './api-user-parts.ts';
import { insertNewKey } from './new-api-user.ts';

/**
 * Ends a key of an API user. A user always has one, under which its calls go on to be counted: its
 * place takes a key whose secret is thrown away here. A rotation gives the user one that works.
 */
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
    const old = await markRevoked(tx, userId, reason, now);
    await insertNewKey(parts, tx, { userId, enabled: user.isActive, lineageId: old.lineageId }, now);
    return {
      answer: {},
      events: [apiUserEvent('key_revoked', user, { key_id: keyId, reason })],
      revokes: revokesApiUserKey(old),
    };
  });
  return propagation;
}
