import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { revokeApiUserKey } from '../../stores/postgres/api-users.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import { replayable } from '../replay.ts';
import { type ApiUserParts, apiUserEvent, lockUser } from './api-user-parts.ts';
import { insertNewKey } from './new-api-user.ts';

type Rotated = { secret: string; changeSeq: number | undefined };

/**
 * Gives a user a new key in place of the old one, which dies at once; usage carries over. Rotations of one user take turns on its row,
 * so of two at once both succeed and the last key lives. The key of a deactivated user is as inactive as the old one. `USER_NOT_FOUND`.
 */
export async function rotateApiUserKey(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  id: string,
  idempotency?: Idempotency,
): Promise<{ secret: string; propagation: Propagation; isReplay: boolean }> {
  const now = parts.clock.now();
  const { answer, isReplay } = await replayable<Rotated>({ ...parts, now }, idempotency, (keep) =>
    parts.db.transaction().execute(async (tx) => {
      const user = await lockUser(tx, id);
      const old = await revokeApiUserKey(tx, id, now);
      const key = { userId: id, enabled: user.isActive, lineageId: old.lineageId };
      const secret = await insertNewKey(parts, tx, key);
      await insertAuditEvents(tx, [
        apiUserEvent(parts, caller, 'key_rotated', user, { previous_key_id: old.id }),
      ]);
      const rotated = { secret, changeSeq: await appendKeyChanges(tx, [keyChange(old)]) };
      await keep(tx, rotated);
      return rotated;
    }),
  );
  const propagation = await parts.propagation.wait(answer.changeSeq);
  return { secret: answer.secret, propagation, isReplay };
}
