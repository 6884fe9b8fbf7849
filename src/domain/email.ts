/** RFC 5321 §4.5.3.1.3. */
export const emailLengthMax = 254;

/**
 * Deliberately loose: only a mail can tell whether an address exists. Refuses blanks, control and
 * invisible characters.
 */
export const emailPattern = /^[^\s@\p{Cc}\p{Cf}]+@[^\s@\p{Cc}\p{Cf}]+$/u;

/** Account key of an e-mail address. Compatibility forms (NFKC) and case make no difference. */
export function emailKey(email: string): string {
  return email.normalize('NFKC').toLowerCase().normalize('NFKC');
}
