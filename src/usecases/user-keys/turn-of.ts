import type { Caller } from '../../domain/principal.ts';

/**
 * The turn of a change of all keys of a user. Each caller has its own, for users of different
 * organizations may have one id: the turn of another caller could be kept full to hold up a revoke.
 */
export function turnOf({ principal }: Caller, { userId }: { userId: string }): string {
  return `keys of ${userId} by ${principal.id}`;
}
