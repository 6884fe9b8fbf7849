import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

/**
 * NIST SP 800-63B-4 §3.1.1.2: at least 15 characters where a password is the only factor, and no
 * rules of composition.
 */
export const passwordLengthMin = 15;
export const passwordLengthMax = 256;

/** Strength is estimated on this many characters only, since the time grows with the length. */
const judgedLengthMax = 64;
/**
 * Score from 0 to 4. 3 needs at least 10^8 guesses by an attacker with dictionaries of words,
 * names, keyboards and dates.
 */
const scoreMin = 3;

let estimator: Promise<ZxcvbnFactory> | undefined;

/** Loaded with the first new password: its dictionaries would be a tenth of the start. */
async function loadEstimator(): Promise<ZxcvbnFactory> {
  const [core, common] = await Promise.all([import('@zxcvbn-ts/core'), import('@zxcvbn-ts/language-common')]);
  return new core.ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs });
}

/**
 * Returns why a new password is refused, or undefined. `context`: words that an attacker tries
 * first for this account.
 */
export async function passwordFault(
  password: string,
  context: readonly string[],
): Promise<string | undefined> {
  const length = [...password].length;
  if (length < passwordLengthMin) return `must have at least ${passwordLengthMin} characters`;
  if (length > passwordLengthMax) return `must have at most ${passwordLengthMax} characters`;
  if (!password.isWellFormed()) return 'must be well-formed Unicode';
  const words = ['flowplate', ...context.flatMap((text) => [text, ...text.split(/[\s@.+_-]+/)])];
  const known = words.filter((word) => word.length > 2).map((word) => word.toLowerCase());
  estimator ??= loadEstimator().catch((error: unknown) => {
    estimator = undefined;
    throw error;
  });
  const { score } = (await estimator).check(password.slice(0, judgedLengthMax), known);
  return score < scoreMin ? 'is too easy to guess: avoid words, names and patterns' : undefined;
}

/**
 * Unicode normalisation: another system may send the same password in another form (NIST SP
 * 800-63B-4 §3.1.1.2).
 */
export function normalizedPassword(password: string): string {
  return password.normalize('NFKC');
}
