import { emailKey } from '../../domain/email.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import { isActiveSuperAdmin, type PlatformUser } from '../../domain/platform-user.ts';
import { type Caller, type PlatformPrincipal, requireSuperAdmin } from '../../domain/principal.ts';
import { requireHolds } from '../../domain/role.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  findPlatformUser,
  isThereAnotherSuperAdmin,
  savePlatformUser,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { deleteKnownPlacesOf } from '../../stores/postgres/sessions/known-places.ts';
import { deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { hashNewPassword } from './new-password.ts';
import {
  type PlatformUserParts,
  personalChanges,
  platformUserEvent,
  requireKnownRoles,
  rightsOf,
} from './platform-user-parts.ts';

export type PlatformUserChanges = Partial<
  Pick<PlatformUser, 'email' | 'name' | 'isActive' | 'roleIds' | 'isBreakGlass'> & { password: string }
>;

/**
 * Changes a platform user. Operators cannot change one who holds more than they do, or give what
 * they do not hold; a password is set by super-admins, and never one's own here; nobody deactivates
 * themselves; the last active super-admin stays one. Deactivation and a new password end the user's
 * sessions in the same transaction, and forget the places known to the account, as another e-mail
 * address does; roles and status bind the next request. `STEP_UP_REQUIRED` for a password, for
 * roles, to activate, and to mark a break-glass account. An account of the identity provider is
 * only switched on and off here (`MANAGED_BY_PROVIDER`).
 */
export async function updatePlatformUser(
  parts: PlatformUserParts,
  caller: Caller<PlatformPrincipal>,
  userId: string,
  { password, ...changes }: PlatformUserChanges,
): Promise<PlatformUser> {
  if (password !== undefined || changes.isBreakGlass !== undefined) requireSuperAdmin(caller.principal);
  const isSelf = caller.principal.id === userId;
  if (isSelf && (password !== undefined || changes.isActive === false)) {
    throw new FlowplateError('SELF_ACTION_FORBIDDEN');
  }
  const passwordHash = password === undefined ? undefined : await newHash(parts, userId, password, changes);
  const options = { by: caller, ends: 'operators' } as const;
  const { answer } = await change<PlatformUser>(parts, options, async (tx, now) => {
    const before = await findPlatformUser(tx, userId);
    if (before === undefined) throw new FlowplateError('USER_NOT_FOUND');
    if (!before.hasPassword) requireOnlyStatus(changes);
    const after = { ...before, ...changes, updatedAt: now };
    await requireMay(tx, caller.principal, before, after);
    const isSwitchedOn = after.isActive && !before.isActive;
    const isRedefined = changes.roleIds !== undefined || changes.isBreakGlass !== undefined;
    const givesAWayIn = passwordHash !== undefined || isRedefined || isSwitchedOn;
    if (givesAWayIn) await requireConfirmed(tx, caller, now);
    if ((await savePlatformUser(tx, after, passwordHash)) === 'email taken') {
      throw new FlowplateError('EMAIL_ALREADY_EXISTS');
    }
    const areLoginsOver = !after.isActive || passwordHash !== undefined;
    if (areLoginsOver) await deleteSessionsOf(tx, userId);
    // A known place belongs to the e-mail address, which may be another account's next.
    const isRenamed = emailKey(after.email) !== emailKey(before.email);
    if (areLoginsOver || isRenamed) await deleteKnownPlacesOf(tx, userId);
    return {
      answer: after,
      events: eventsOf(differing(before, changes), userId, passwordHash !== undefined),
      revokes: revokesOperators('platform_user', userId),
    };
  });
  return answer;
}

async function newHash(
  parts: PlatformUserParts,
  userId: string,
  password: string,
  changes: PlatformUserChanges,
) {
  const user = await findPlatformUser(parts.db, userId);
  if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
  if (!user.hasPassword) throw new FlowplateError('MANAGED_BY_PROVIDER');
  return hashNewPassword(parts, password, { ...user, ...changes });
}

/** The next sign-in would undo anything else, and until then somebody would hold it. */
function requireOnlyStatus(changes: PlatformUserChanges): void {
  const names = Object.keys(changes).filter((name) => name !== 'isActive');
  if (names.length > 0) throw new FlowplateError('MANAGED_BY_PROVIDER');
}

async function requireMay(
  tx: Tx,
  principal: PlatformPrincipal,
  before: PlatformUser,
  after: PlatformUser,
): Promise<void> {
  requireHolds(principal, await rightsOf(tx, before.roleIds));
  await requireKnownRoles(tx, after.roleIds);
  requireHolds(principal, await rightsOf(tx, after.roleIds));
  if (!isActiveSuperAdmin(before) || isActiveSuperAdmin(after)) return;
  if (!(await isThereAnotherSuperAdmin(tx, before.id))) throw new FlowplateError('LAST_SUPER_ADMIN');
}

/** Those that change something: a caller may send fields that stay as they are. */
function differing(before: PlatformUser, changes: PlatformUserChanges): PlatformUserChanges {
  const { email, name, isActive, roleIds, isBreakGlass } = changes;
  return {
    ...(email !== undefined && email !== before.email && { email }),
    ...(name !== undefined && name !== before.name && { name }),
    ...(isActive !== undefined && isActive !== before.isActive && { isActive }),
    ...(roleIds !== undefined && sorted(roleIds) !== sorted(before.roleIds) && { roleIds }),
    ...(isBreakGlass !== undefined && isBreakGlass !== before.isBreakGlass && { isBreakGlass }),
  };
}

const sorted = (ids: readonly string[]) => [...ids].sort().join();

function eventsOf(changes: PlatformUserChanges, userId: string, isPasswordChanged: boolean) {
  const personal = personalChanges(changes);
  const details = {
    ...(personal.length > 0 && { changed: personal }),
    ...(changes.isActive !== undefined && { is_active: changes.isActive }),
    ...(changes.roleIds !== undefined && { role_ids: changes.roleIds }),
    ...(changes.isBreakGlass !== undefined && { is_break_glass: changes.isBreakGlass }),
  };
  const updated = platformUserEvent('platform.user.updated', userId, details);
  const password = platformUserEvent('platform.user.password_changed', userId, { by: 'operator' });
  return [...(Object.keys(details).length > 0 ? [updated] : []), ...(isPasswordChanged ? [password] : [])];
}
