import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { sessionSubject } from '../../domain/login-throttle.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findCredentials, savePlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { deleteKnownPlacesOf } from '../../stores/postgres/sessions/known-places.ts';
import { clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import { change } from '../change.ts';
import { requireOwnPassword, whyNoPassword } from '../sessions/own-password.ts';
import { hashNewPassword } from './new-password.ts';
import { type PlatformUserParts, platformUserEvent } from './platform-user-parts.ts';

export type ChangePasswordParts = PlatformUserParts & { keyring: Keyring };

/**
 * A platform user sets their own password, with the old one, and every session of theirs ends:
 * also this one, since its token may be what was stolen. The account's known places are forgotten.
 * `INVALID_CREDENTIALS` when the old one is wrong, which is written down and counted for the
 * session: with a stolen token nobody must find the password by trying. `TOO_MANY_ATTEMPTS` after
 * repeated failures, whatever the password. Without a password: `USER_NOT_FOUND` for a platform
 * key, `MANAGED_BY_PROVIDER` for an account of the identity provider.
 */
export async function changeOwnPassword(
  parts: ChangePasswordParts,
  caller: Caller<PlatformPrincipal>,
  request: { currentPassword: string; newPassword: string },
): Promise<void> {
  const known = await findCredentials(parts.db, { id: caller.principal.id });
  if (known === undefined) throw await whyNoPassword(parts, caller);
  const attempt = { typed: request.currentPassword, at: 'change_password' } as const;
  await requireOwnPassword(parts, caller, known, attempt);
  const passwordHash = await hashNewPassword(parts, request.newPassword, known.user, 'new_password');
  const subject = sessionSubject(parts.keyring, caller.principal.sessionId);
  await change(parts, { by: caller, ends: 'operators' }, async (tx, now) => {
    const current = await findCredentials(tx, { id: known.user.id });
    // The password was changed meanwhile, so the old one is no longer valid.
    if (current?.passwordHash !== known.passwordHash) throw new FlowplateError('INVALID_CREDENTIALS');
    await savePlatformUser(tx, { ...current.user, updatedAt: now }, passwordHash);
    await deleteSessionsOf(tx, known.user.id);
    await deleteKnownPlacesOf(tx, known.user.id);
    await clearLoginFailures(tx, [subject]);
    return {
      answer: {},
      events: [platformUserEvent('platform.user.password_changed', known.user.id, { by: 'self' })],
      revokes: revokesOperators('platform_user', known.user.id),
    };
  });
}
