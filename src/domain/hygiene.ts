import type { Key } from './user-key.ts';

/**
 * Findings of the hygiene report about an active key. `never_used`, `unused` and `scope_unasked`
 * say nothing of a key that is younger than the time they ask for.
 */
export const hygieneFindings = [
  'never_used',
  'unused',
  'expiring',
  'without_expiry',
  'beyond_age',
  'rotation_due',
  'overaged',
  'predecessor_used',
  'scope_unasked',
] as const;
export type HygieneFinding = (typeof hygieneFindings)[number];

/** `findings`: those that are looked for. The times are made from numbers of days. */
export type HygieneQuestion = {
  findings: readonly HygieneFinding[];
  unusedSince: Date;
  expiresBefore: Date;
  createdBefore: Date;
  /** Scopes that gateways ask for are asked for since then. */
  unaskedSince: Date;
  now: Date;
};

/** Facts about a key that its row does not have. */
export type HygieneFacts = {
  lastUsedAt: Date | null;
  /** When it reaches the longest age of its organization or its master key; null without one. */
  rotationDueAt: Date | null;
  /** Whether a key that it took the place of was used since then, and still may be. */
  isPredecessorUsed: boolean;
  /** Scopes of it that no gateway asks for; null when that cannot be said. */
  unaskedScopes: readonly string[] | null;
};

/** All that is true of a key, whatever was looked for. */
export function findingsOf(
  key: Pick<Key, 'createdAt' | 'expiresAt'>,
  { lastUsedAt, rotationDueAt, isPredecessorUsed, unaskedScopes }: HygieneFacts,
  { unusedSince, expiresBefore, createdBefore, now }: HygieneQuestion,
): HygieneFinding[] {
  const isOldEnough = key.createdAt < unusedSince;
  const isFound: Record<HygieneFinding, boolean> = {
    never_used: isOldEnough && lastUsedAt === null,
    unused: isOldEnough && lastUsedAt !== null && lastUsedAt < unusedSince,
    expiring: key.expiresAt !== null && key.expiresAt < expiresBefore,
    without_expiry: key.expiresAt === null,
    beyond_age: key.createdAt < createdBefore,
    rotation_due: rotationDueAt !== null && rotationDueAt > now && rotationDueAt < expiresBefore,
    overaged: rotationDueAt !== null && rotationDueAt <= now,
    predecessor_used: isPredecessorUsed,
    scope_unasked: unaskedScopes !== null && unaskedScopes.length > 0,
  };
  return hygieneFindings.filter((finding) => isFound[finding]);
}
