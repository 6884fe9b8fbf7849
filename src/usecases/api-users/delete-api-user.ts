import type { Caller, Principal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { deleteApiUser as remove, revokeApiUserKey } from '../../stores/postgres/api-users.ts';
import { type ChangeParts, change } from '../change.ts';
import {
  apiUserEvent,
  lockUser,
  requireAnotherAdmin,
  requireUserId,
  revokesApiUserKey,
} from './api-user-parts.ts';

/**
 * Deletes a user and ends its key. The row of the key stays, since usage and audit events refer to
 * it. `USER_NOT_FOUND`, `SELF_ACTION_FORBIDDEN`.
 */
export async function deleteApiUser(
  parts: ChangeParts,
  caller: Caller<Principal>,
  id: string,
  reason: RevocationReason = 'unspecified',
): Promise<Propagation> {
  const { propagation } = await change(parts, { by: caller, ends: [requireUserId(id)] }, async (tx, now) => {
    await requireAnotherAdmin(tx, caller, id);
    const user = await lockUser(tx, id);
    const revoked = await revokeApiUserKey(tx, id, reason, now);
    await remove(tx, id);
    return {
      answer: {},
      events: [apiUserEvent('deleted', user, { reason })],
      revokes: revokesApiUserKey(revoked),
    };
  });
  return propagation;
}
