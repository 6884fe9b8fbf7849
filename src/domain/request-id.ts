import { redact } from './redact.ts';

const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;

/**
 * Whether a caller's `x-request-id` may be answered and logged: it is safe in a header and in a log
 * line, and contains no secret.
 */
export function isSafeRequestId(sent: unknown): sent is string {
  return typeof sent === 'string' && requestIdPattern.test(sent) && redact(sent) === sent;
}
