const lengthMax = 200;

/**
 * Why a text cannot be the reason of an operator who acts inside an organization: an auditor reads
 * it, so it shows as what it is.
 */
export function reasonFault(reason: string): string | undefined {
  if (/\p{C}/u.test(reason)) return 'must be text without control or invisible characters';
  if (reason.length > lengthMax) return `must have at most ${lengthMax} characters`;
  return undefined;
}
