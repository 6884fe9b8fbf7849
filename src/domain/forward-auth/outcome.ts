import type { Verdict } from '../verdict.ts';
import type { VerificationOutcome } from '../verification.ts';
import type { Undecided } from './refusals.ts';

/** Envoy gives up after 200 ms by default, and must get an answer before, even a 503. */
export const decisionMsMax = 150;

/** How forward auth ends: with a verdict, or with the reason why there is none. */
export type Outcome = Verdict | Undecided;

/** The name by which an outcome is counted. */
export function meteredAs(outcome: Outcome): VerificationOutcome {
  if (typeof outcome === 'object') return outcome.code;
  if (outcome === 'GATEWAY_UNKNOWN') return 'UNKNOWN_GATEWAY';
  return outcome === 'GATEWAY_FORBIDDEN' ? 'FORBIDDEN_GATEWAY' : outcome;
}

/** Whether the key does not exist, which strangers can ask for again and again. */
export function isUnknownKey(outcome: Outcome): boolean {
  return typeof outcome === 'object' && outcome.code === 'NOT_FOUND';
}
