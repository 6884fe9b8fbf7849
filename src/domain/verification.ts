import { type VerdictCode, verdictCodes } from './verdict.ts';

/** The four endpoints at which gateways ask about keys. */
export const verificationEndpoints = ['verify', 'batch', 'authz', 'introspect'] as const;
export type VerificationEndpoint = (typeof verificationEndpoints)[number];

/** How a verification ends when it ends without a verdict. */
const withoutVerdict = [
  'UNDECIDED',
  'UNKNOWN_GATEWAY',
  'FORBIDDEN_GATEWAY',
  'NO_CREDENTIALS',
  'AMBIGUOUS',
  'INVALID_REQUEST',
] as const;

/** Every way in which a verification can end: a verdict, or the reason why there is none. */
export const verificationOutcomes = [...verdictCodes, ...withoutVerdict] as const;
export type VerificationOutcome = VerdictCode | (typeof withoutVerdict)[number];

/**
 * `decided`: a verdict, yes or no. `undecided`: the broker could not tell, which is its fault.
 * `rejected`: the request itself was refused before any key was looked at.
 */
export const verificationResults = ['decided', 'undecided', 'rejected'] as const;
export type VerificationResult = (typeof verificationResults)[number];

const verdicts: readonly string[] = verdictCodes;

export function resultOf(outcome: VerificationOutcome): VerificationResult {
  if (verdicts.includes(outcome)) return 'decided';
  return outcome === 'UNDECIDED' ? 'undecided' : 'rejected';
}
