/** RFC 5321 §4.5.3.1.3. */
export const emailLengthMax = 254;

/**
 * Deliberately loose: whether an address exists only a mail to it can tell. No blanks, no control
 * or invisible characters.
 */
export const emailPattern = /^[^\s@\p{Cc}\p{Cf}]+@[^\s@\p{Cc}\p{Cf}]+$/u;

/**
 * What makes two spellings the same account: compatibility forms (NFKC) and case are no difference.
 */
export function emailKey(email: string): string {
  return email.normalize('NFKC').toLowerCase().normalize('NFKC');
}
