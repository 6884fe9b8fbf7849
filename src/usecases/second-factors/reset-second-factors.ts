import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { secondFactorSubject } from '../../domain/login-throttle.ts';
import { type Caller, type PlatformPrincipal, requireSuperAdmin } from '../../domain/principal.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { deleteRecoveryCodesOf } from '../../stores/postgres/second-factors/recovery-codes.ts';
import {
  deleteSecondFactorsOf,
  lockSecondFactors,
} from '../../stores/postgres/second-factors/second-factors.ts';
import { clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import { type ChangeParts, change } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireConfirmed } from '../sessions/own-session.ts';

/**
 * A super-admin takes all second factors and recovery codes from another user, who has lost them.
 * The user's sessions end, and the password alone lets them in again. `USER_NOT_FOUND`,
 * `SELF_ACTION_FORBIDDEN`, `STEP_UP_REQUIRED`. Returns the number of factors.
 */
export async function resetSecondFactors(
  parts: ChangeParts & { keyring: Keyring },
  caller: Caller<PlatformPrincipal>,
  userId: string,
): Promise<number> {
  requireSuperAdmin(caller.principal);
  if (caller.principal.id === userId) throw new FlowplateError('SELF_ACTION_FORBIDDEN');
  const { answer } = await change<{ removed: number }>(
    parts,
    { by: caller, ends: 'operators' },
    async (tx, now) => {
      await requireConfirmed(tx, caller, now);
      if ((await findPlatformUser(tx, userId)) === undefined) throw new FlowplateError('USER_NOT_FOUND');
      await lockSecondFactors(tx, userId);
      const removed = await deleteSecondFactorsOf(tx, userId);
      await deleteRecoveryCodesOf(tx, userId);
      await deleteSessionsOf(tx, userId);
      await clearLoginFailures(tx, [secondFactorSubject(parts.keyring, userId)]);
      const event = platformUserEvent('platform.second_factor.reset', userId, { removed_count: removed });
      return { answer: { removed }, events: [event], revokes: revokesOperators('platform_user', userId) };
    },
  );
  return answer.removed;
}
