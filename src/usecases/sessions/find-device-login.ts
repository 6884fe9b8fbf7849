import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { OpenDeviceLogin } from '../../stores/postgres/sessions/device-logins.ts';
import { openDeviceLoginOf } from './open-device-login.ts';
import type { DeviceParts } from './start-device-login.ts';

/**
 * What asks for a log-in under a code, so that the person sees it before they answer. Errors as in
 * open-device-login.ts.
 */
export function findDeviceLogin(
  parts: DeviceParts,
  caller: Caller<PlatformPrincipal>,
  typed: string,
): Promise<OpenDeviceLogin> {
  return openDeviceLoginOf(parts, caller, typed);
}
