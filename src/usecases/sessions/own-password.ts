import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { sessionSubject } from '../../domain/login-throttle.ts';
import { normalizedPassword } from '../../domain/password.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isPassword } from '../../password-hash.ts';
import { type Credentials, findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { addLoginFailure } from '../../stores/postgres/sessions/login-failures.ts';
import { type ChangeParts, commitChange } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireNoLoginBlock } from './login-block.ts';

export type OwnPasswordParts = ChangeParts & { keyring: Keyring; ownPasswordHashing: Bulkhead };

/**
 * Checks the password of a logged-in user again. `INVALID_CREDENTIALS` when it is wrong, which is
 * written down and counted for the session: with a stolen token nobody must find the password by
 * trying. `TOO_MANY_ATTEMPTS` after repeated failures, whatever the password.
 */
export function requireOwnPassword(
  parts: OwnPasswordParts,
  caller: Caller<PlatformPrincipal>,
  known: Credentials,
  attempt: { typed: string; at: 'change_password' | 'confirm' },
): Promise<void> {
  return parts.ownPasswordHashing.run(() => requireNow(parts, caller, known, attempt));
}

async function requireNow(
  parts: OwnPasswordParts,
  caller: Caller<PlatformPrincipal>,
  { passwordHash }: Credentials,
  { typed, at }: { typed: string; at: string },
): Promise<void> {
  const subject = sessionSubject(parts.keyring, caller.principal.sessionId);
  await requireNoLoginBlock(parts, [subject]);
  if (await isPassword(normalizedPassword(typed), passwordHash)) return;
  await commitChange(parts, { by: caller }, async (tx, now) => {
    await addLoginFailure(tx, [subject], now);
    const details = { code: 'INVALID_CREDENTIALS', at };
    const event = platformUserEvent('platform.login.refused', caller.principal.id, details);
    return { answer: {}, events: [{ ...event, result: 'refused' }], revokes: revokesNothing };
  });
  throw new FlowplateError('INVALID_CREDENTIALS');
}

/** The refusal of a user who has no password: `MANAGED_BY_PROVIDER`, or `USER_NOT_FOUND`. */
export async function whyNoPassword(
  { db }: OwnPasswordParts,
  { principal }: Caller<PlatformPrincipal>,
): Promise<FlowplateError> {
  const user = await findPlatformUser(db, principal.id);
  return new FlowplateError(user === undefined ? 'USER_NOT_FOUND' : 'MANAGED_BY_PROVIDER');
}
