import { deviceCodeDigests, typedUserCode } from '../../domain/device-login.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { userCodeSubject } from '../../domain/login-throttle.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findOpenDeviceLogin, type OpenDeviceLogin } from '../../stores/postgres/sessions/device-logins.ts';
import { addLoginFailure } from '../../stores/postgres/sessions/login-failures.ts';
import { commitChange } from '../change.ts';
import { requireNoLoginBlock } from './login-block.ts';
import type { DeviceParts } from './start-device-login.ts';

/**
 * The log-in that waits under a typed code. `DEVICE_CODE_NOT_FOUND` for a wrong, old or answered
 * code, which counts as a guess; `TOO_MANY_ATTEMPTS` after some.
 */
export async function openDeviceLoginOf(
  parts: DeviceParts,
  caller: Caller<PlatformPrincipal>,
  typed: string,
): Promise<OpenDeviceLogin> {
  const subject = userCodeSubject(parts.keyring, caller.principal.id);
  await requireNoLoginBlock(parts, [subject]);
  const code = typedUserCode(typed);
  const found =
    code === undefined
      ? undefined
      : await findOpenDeviceLogin(
          parts.db,
          deviceCodeDigests(parts.keyring, 'user', code),
          parts.clock.now(),
        );
  if (found !== undefined) return found;
  await commitChange(parts, { by: caller }, async (tx, now) => {
    await addLoginFailure(tx, [subject], now);
    return { answer: {}, events: [], revokes: revokesNothing };
  });
  throw new FlowplateError('DEVICE_CODE_NOT_FOUND');
}
