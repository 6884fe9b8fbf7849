const lengthMax = 200;

/**
 * Validates an impersonation reason. Auditors read it, so control and invisible characters are
 * refused.
 */
export function reasonFault(reason: string): string | undefined {
  if (/\p{C}/u.test(reason)) return 'must be text without control or invisible characters';
  if (reason.length > lengthMax) return `must have at most ${lengthMax} characters`;
  return undefined;
}
