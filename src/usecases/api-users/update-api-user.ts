import type { ApiUser } from '../../domain/api-user.ts';
import { placesOf, type Revokes, revokesNothing } from '../../domain/key-change.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import {
  listApiUserLineages,
  setApiUserKeyEnabled,
  updateApiUser as store,
} from '../../stores/postgres/api-users.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { type ChangeParts, change } from '../change.ts';
import {
  type ApiUserWithUsage,
  apiUserEvent,
  apiUserPlace,
  lockUser,
  requireAnotherAdmin,
  requireUserId,
  revokesApiUserKey,
  usageOf,
} from './api-user-parts.ts';

export type ApiUserChanges = Partial<Pick<ApiUser, 'name' | 'email' | 'role' | 'isActive'>>;

/**
 * Changes a user. A deactivated user keeps its key, which is refused until the user is activated. A
 * new role applies from the next request. `USER_NOT_FOUND`; `SELF_ACTION_FORBIDDEN` for admins who
 * would demote or deactivate themselves.
 */
export async function updateApiUser(
  parts: ChangeParts,
  caller: Caller<Principal>,
  id: string,
  changes: ApiUserChanges,
): Promise<ApiUserWithUsage & { propagation: Propagation }> {
  const takesRights = changes.role === 'user' || changes.isActive === false;
  const options = { by: caller, ends: takesRights ? [requireUserId(id)] : [] };
  const { answer, propagation } = await change<{ user: ApiUser }>(parts, options, async (tx, now) => {
    if (takesRights) await requireAnotherAdmin(tx, caller, id);
    const old = await lockUser(tx, id);
    const user = { ...old, ...changes, updatedAt: now };
    await store(tx, user);
    const details = { changed: Object.keys(changes), is_active: user.isActive };
    return {
      answer: { user },
      events: [apiUserEvent('updated', user, details)],
      revokes: await switchKey(tx, old, user),
    };
  });
  const lineages = await listApiUserLineages(parts.db, [id]);
  return { ...answer, usage: await usageOf(parts, lineages.get(id)), propagation };
}

/**
 * Disables or enables the user's key together with the user. A role that is taken away gets an
 * entry of the feed too: no cache has the role, and the revocation journal has to know of it.
 */
async function switchKey(tx: Tx, old: ApiUser, { id, role, isActive, updatedAt }: ApiUser): Promise<Revokes> {
  const isDemoted = old.role === 'admin' && role === 'user';
  if (isActive !== old.isActive || isDemoted) {
    return revokesApiUserKey(await setApiUserKeyEnabled(tx, id, { enabled: isActive, now: updatedAt }));
  }
  const audience = { places: placesOf([apiUserPlace]) };
  return isActive ? revokesNothing : { alreadyTold: true, audience };
}
