import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import { validationError } from '../../domain/errors.ts';
import { normalizedPassword, passwordFault } from '../../domain/password.ts';
import { hashPassword } from '../../password-hash.ts';

/** Hash of a chosen password; `VALIDATION_ERROR` when the password is too weak. */
export async function hashNewPassword(
  parts: { ownPasswordHashing: Bulkhead },
  password: string,
  account: { email: string; name: string },
  path = 'password',
): Promise<string> {
  const fault = await passwordFault(password, [account.email, account.name]);
  if (fault !== undefined) throw validationError([{ path, message: fault }]);
  return parts.ownPasswordHashing.run(() => hashPassword(normalizedPassword(password)));
}
