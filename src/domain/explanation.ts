import { type RefusedCode, type Verdict, verdictCodes } from './verdict.ts';

/**
 * One check of a verification. It bears the code that it refuses with. `not_reached`: there was
 * nothing to look at, since the key is not known or the moment is not now.
 */
export type Check = {
  check: RefusedCode;
  result: 'passed' | 'failed' | 'not_reached';
  /** The demand of the request, as JSON; null for none in particular. */
  asked: unknown;
  /** The value of the key, as JSON. */
  has: unknown;
};

/**
 * A verdict with every check that leads to it, in the order in which they are decided. The limits
 * say what is left of them.
 */
export type Explanation = Verdict & { checks: Check[] };

/** The codes of the checks, in their order. */
export const checkCodes = verdictCodes.filter(
  (code): code is RefusedCode => code !== 'SUPERSEDED' && code !== 'VALID',
);
