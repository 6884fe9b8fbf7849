import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { answerDeviceLogin as saveAnswer } from '../../stores/postgres/sessions/device-logins.ts';
import { findSessionMethod } from '../../stores/postgres/sessions/sessions.ts';
import { change } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { openDeviceLoginOf } from './open-device-login.ts';
import { requireConfirmed } from './own-session.ts';
import type { DeviceParts } from './start-device-login.ts';

/**
 * Approves or denies the log-in behind a code, once. The approval belongs to the session that gave
 * it: when that ends before the program has its token, there will be none. A session that was
 * approved this way itself approves no other, so that a stolen token cannot renew itself.
 * `STEP_UP_REQUIRED` to approve.
 */
export async function answerDeviceLogin(
  parts: DeviceParts & Parameters<typeof change>[0],
  caller: Caller<PlatformPrincipal>,
  { userCode, isApproved }: { userCode: string; isApproved: boolean },
): Promise<void> {
  const { id, sessionId } = caller.principal;
  if (sessionId === null) throw onlyInPerson();
  const login = await openDeviceLoginOf(parts, caller, userCode);
  await change(parts, { by: caller }, async (tx, now) => {
    // The program's log-in outlives the page.
    if (isApproved) await requireConfirmed(tx, caller, now);
    if ((await findSessionMethod(tx, sessionId)) === 'device') throw onlyInPerson();
    const answer = isApproved ? { approvedBy: sessionId } : 'denied';
    if (!(await saveAnswer(tx, login.deviceDigest, answer)))
      throw new FlowplateError('DEVICE_CODE_NOT_FOUND');
    const details = {
      user_agent: login.userAgent ?? 'unknown',
      // A stranger's, who was denied. After an approval the event of the log-in has the address.
      ...(!isApproved && { address: login.address ?? 'unknown' }),
    };
    const eventType = isApproved ? 'platform.device.approved' : 'platform.device.denied';
    return { answer: {}, events: [platformUserEvent(eventType, id, details)], revokes: revokesNothing };
  });
}

function onlyInPerson(): FlowplateError {
  return new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'Only somebody who logged in to the portal in person answers this',
  });
}
