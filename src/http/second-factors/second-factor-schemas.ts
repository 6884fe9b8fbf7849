import { z } from 'zod';
import type { Enrolled } from '../../usecases/second-factors/enroll-totp.ts';

const recoveryCodes = z.array(z.string()).describe('Each lets in once, in place of a second factor');

export const enrolledAnswer = z.strictObject({
  id: z.string(),
  recovery_codes: recoveryCodes.nullable().describe("With the account's first factor; null later"),
});

export const recoveryCodesAnswer = z.strictObject({ recovery_codes: recoveryCodes });

export function toEnrolledAnswer({ id, recoveryCodes }: Enrolled): z.input<typeof enrolledAnswer> {
  return { id, recovery_codes: recoveryCodes };
}

export function replayHeader(isReplay: boolean): { headers?: Record<string, string> } {
  return isReplay ? { headers: { 'Idempotency-Replayed': 'true' } } : {};
}
