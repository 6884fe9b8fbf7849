import type { ApiUser } from '../../domain/api-user.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import {
  listApiUserLineages,
  setApiUserKeyEnabled,
  updateApiUser as store,
} from '../../stores/postgres/api-users.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import {
  type ApiUserParts,
  type ApiUserWithUsage,
  apiUserEvent,
  lockUser,
  requireAnotherAdmin,
  usageOf,
} from './api-user-parts.ts';

export type ApiUserChanges = Partial<Pick<ApiUser, 'name' | 'email' | 'role' | 'isActive'>>;

/**
 * Changes a user. A deactivated one keeps its key, which is refused until it is activated again; a new role binds the next request.
 * `USER_NOT_FOUND`; `SELF_ACTION_FORBIDDEN` for an admin who would demote or deactivate themselves.
 */
export async function updateApiUser(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  id: string,
  changes: ApiUserChanges,
): Promise<ApiUserWithUsage & { propagation: Propagation }> {
  const { user, changeSeq } = await parts.db.transaction().execute(async (tx) => {
    if (changes.role === 'user' || changes.isActive === false) await requireAnotherAdmin(tx, caller, id);
    const old = await lockUser(tx, id);
    const changed = { ...old, ...changes, updatedAt: parts.clock.now() };
    await store(tx, changed);
    const event = apiUserEvent(parts, caller, 'updated', changed, {
      changed: Object.keys(changes),
      is_active: changed.isActive,
    });
    await insertAuditEvents(tx, [event]);
    return { user: changed, changeSeq: await switchKey(tx, old, changed) };
  });
  const [propagation, lineages] = await Promise.all([
    parts.propagation.wait(changeSeq),
    listApiUserLineages(parts.db, [id]),
  ]);
  return { user, usage: await usageOf(parts, lineages.get(id)), propagation };
}

/** Whoever deactivates again is told "complete" no sooner than whoever did it first: that change is before the feed's end. */
async function switchKey(tx: Tx, old: ApiUser, { id, isActive, updatedAt }: ApiUser) {
  if (isActive === old.isActive) return isActive ? undefined : findLastKeyChangeSeq(tx);
  const key = await setApiUserKeyEnabled(tx, id, { enabled: isActive, now: updatedAt });
  return appendKeyChanges(tx, [keyChange(key)]);
}
