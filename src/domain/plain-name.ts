/**
 * Invisible characters: controls, and format characters such as bidirectional overrides and
 * zero-width spaces. With one of them a name looks like another one to the operator who reads it.
 * The two joiners stay, which emoji and Persian need.
 */
const invisible = /[[\p{Cc}\p{Cf}]--[\u200c\u200d]]/v;

export const plainNameRule = 'must not contain control or invisible characters';

/**
 * Whether a name shows as what it is. A lone surrogate has no UTF-8, so Postgres could not keep it.
 */
export function isPlainName(text: string): boolean {
  return !invisible.test(text) && text.isWellFormed();
}
