import type { Caller, Principal } from '../../domain/principal.ts';
import { deleteApiUser as remove, revokeApiUserKey } from '../../stores/postgres/api-users.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import { type ApiUserParts, apiUserEvent, lockUser, requireAnotherAdmin } from './api-user-parts.ts';

/**
 * Removes a user and ends its key for ever; the key's row stays, so that what was counted and audited still has something to refer to.
 * `USER_NOT_FOUND`, `SELF_ACTION_FORBIDDEN`.
 */
export async function deleteApiUser(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  id: string,
): Promise<Propagation> {
  const changeSeq = await parts.db.transaction().execute(async (tx) => {
    await requireAnotherAdmin(tx, caller, id);
    const user = await lockUser(tx, id);
    const revoked = await revokeApiUserKey(tx, id, parts.clock.now());
    await remove(tx, id);
    await insertAuditEvents(tx, [apiUserEvent(parts, caller, 'deleted', user)]);
    return appendKeyChanges(tx, [keyChange(revoked)]);
  });
  return parts.propagation.wait(changeSeq);
}
