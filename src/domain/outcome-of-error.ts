import { type ErrorCode, FlowplateError } from './errors.ts';
import type { VerificationOutcome } from './verification.ts';

const outcomes: Partial<Record<ErrorCode, VerificationOutcome>> = {
  AUTHENTICATION_REQUIRED: 'UNKNOWN_GATEWAY',
  INSUFFICIENT_PERMISSIONS: 'FORBIDDEN_GATEWAY',
  AMBIGUOUS_CREDENTIALS: 'AMBIGUOUS',
  DEPENDENCY_UNAVAILABLE: 'UNDECIDED',
  OVERLOADED: 'UNDECIDED',
  TOO_MANY_ATTEMPTS: 'UNDECIDED',
  INTERNAL_ERROR: 'UNDECIDED',
};

/**
 * The outcome of a verification that is answered with an error, for the metrics. Errors that a
 * caller could avoid are `INVALID_REQUEST`; an unknown fault is ours.
 */
export function outcomeOfError(thrown: unknown): VerificationOutcome {
  if (!(thrown instanceof FlowplateError)) return 'UNDECIDED';
  return outcomes[thrown.code] ?? 'INVALID_REQUEST';
}
