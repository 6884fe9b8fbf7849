import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { deleteRecoveryCodesOf } from '../../stores/postgres/second-factors/recovery-codes.ts';
import {
  deleteSecondFactor,
  findEnrolledKinds,
} from '../../stores/postgres/second-factors/second-factors.ts';
import {
  deleteProvenDeviceSessionsOf,
  forgetSecondFactorOf,
} from '../../stores/postgres/sessions/sessions.ts';
import { type ChangeParts, change } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { holdOwnFactors } from './second-factor-changes.ts';

/**
 * Removes one of the caller's own factors. With the last one the recovery codes go, device sessions
 * that it has approved end, and no session counts any more as one with a factor.
 * `SECOND_FACTOR_NOT_FOUND` for an unknown one and another user's, all alike; `STEP_UP_REQUIRED`.
 */
export async function removeSecondFactor(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<void> {
  const userId = caller.principal.id;
  await change(parts, { by: caller, ends: 'operators' }, async (tx, now) => {
    await holdOwnFactors(tx, caller, now);
    const removed = await deleteSecondFactor(tx, userId, id);
    if (removed === undefined) throw new FlowplateError('SECOND_FACTOR_NOT_FOUND');
    const isLast = (await findEnrolledKinds(tx, userId)).length === 0;
    if (isLast) {
      await deleteRecoveryCodesOf(tx, userId);
      await deleteProvenDeviceSessionsOf(tx, userId);
      await forgetSecondFactorOf(tx, userId);
    }
    const details = { id, kind: removed.kind, was_last: isLast };
    const event = platformUserEvent('platform.second_factor.removed', userId, details);
    return { answer: {}, events: [event], revokes: revokesOperators('platform_user', userId) };
  });
}
