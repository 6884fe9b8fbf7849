import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findEnrolledKinds } from '../../stores/postgres/second-factors/second-factors.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import {
  holdOwnFactors,
  requireSecondFactors,
  type SecondFactorParts,
  saveNewRecoveryCodes,
} from './second-factor-changes.ts';

/**
 * Ten new recovery codes; the earlier ones are void. Only this answer has them.
 * `SECOND_FACTOR_NOT_FOUND` for an account without a factor to recover; `STEP_UP_REQUIRED`.
 */
export async function renewRecoveryCodes(
  parts: SecondFactorParts,
  caller: Caller<PlatformPrincipal>,
  idempotency?: Idempotency,
): Promise<Replayed<{ recoveryCodes: string[] }>> {
  requireSecondFactors(parts);
  return change<{ recoveryCodes: string[] }>(parts, { by: caller, idempotency }, async (tx, now) => {
    await holdOwnFactors(tx, caller, now);
    const userId = caller.principal.id;
    if ((await findEnrolledKinds(tx, userId)).length === 0)
      throw new FlowplateError('SECOND_FACTOR_NOT_FOUND');
    const recoveryCodes = await saveNewRecoveryCodes(tx, parts, userId, now);
    const event = platformUserEvent('platform.recovery_codes.renewed', userId, {});
    return { answer: { recoveryCodes }, events: [event], revokes: revokesOperators('platform_user', userId) };
  });
}
