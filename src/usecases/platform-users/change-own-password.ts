import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { normalizedPassword } from '../../domain/password.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isPassword } from '../../password-hash.ts';
import { findCredentials, savePlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import { change } from '../change.ts';
import { hashNewPassword } from './new-password.ts';
import { type PlatformUserParts, platformUserEvent } from './platform-user-parts.ts';

/**
 * A platform user sets their own password, with the old one, and every session of theirs ends: also
 * this one, since its token may be what was stolen. `INVALID_CREDENTIALS` when the old one is
 * wrong. A platform key has no password: `USER_NOT_FOUND`.
 */
export async function changeOwnPassword(
  parts: PlatformUserParts,
  caller: Caller<PlatformPrincipal>,
  request: { currentPassword: string; newPassword: string },
): Promise<void> {
  const known = await findCredentials(parts.db, { id: caller.principal.id });
  if (known === undefined) throw new FlowplateError('USER_NOT_FOUND');
  const isRight = await parts.passwordHashing.run(() =>
    isPassword(normalizedPassword(request.currentPassword), known.passwordHash),
  );
  if (!isRight) throw new FlowplateError('INVALID_CREDENTIALS');
  const passwordHash = await hashNewPassword(parts, request.newPassword, known.user, 'new_password');
  await change(parts, { by: caller, ends: 'operators' }, async (tx, now) => {
    const current = await findCredentials(tx, { id: known.user.id });
    // Somebody else set it meanwhile: what was just shown is no longer the password.
    if (current?.passwordHash !== known.passwordHash) throw new FlowplateError('INVALID_CREDENTIALS');
    await savePlatformUser(tx, { ...current.user, updatedAt: now }, passwordHash);
    await deleteSessionsOf(tx, known.user.id);
    return {
      answer: {},
      events: [platformUserEvent('platform.user.password_changed', known.user.id, { by: 'self' })],
      revokes: revokesNothing,
    };
  });
}
