import type { KeyDigest } from './key-digest.ts';
import type { Key } from './user-key.ts';

/**
 * A key that a refresh has issued and that becomes active at its first accepted use
 * (docs/decisions/0049). Its settings are those of the key before it.
 *
 *     refresh ──▶ waiting ──first accepted use──▶ active; the key before goes into its grace
 *                    └──another refresh, a revoke or a stop of the line──▶ gone
 */
export type WaitingKey = {
  id: string;
  previousKeyId: string;
  keyPrefix: string;
  digest: KeyDigest;
  mintedBy: string | null;
  mintNumber: number;
  expiresAt: Date | null;
  graceSeconds: number;
  /** When the key before ends at the latest, used or not. */
  previousUntil: Date;
  createdAt: Date;
};

/**
 * The key that a waiting one becomes, with the settings of the key before. Its revision 0 says that
 * it still waits (`isWaiting`).
 */
export function keyOfWaiting(before: Key, waiting: WaitingKey): Key {
  const { id, keyPrefix, mintedBy, mintNumber, expiresAt, createdAt } = waiting;
  return {
    ...before,
    ...{ id, keyPrefix, mintedBy, mintNumber, expiresAt, createdAt },
    status: 'active',
    activatedAt: null,
    supersededUntil: null,
    revokedAt: null,
    revokedReason: null,
    updatedAt: createdAt,
    revision: 0,
  };
}

/** How long the key before lives on while nobody uses the new one. */
export const waitingMs = 30 * 24 * 3_600_000;

/** An hour for the last instance of a service to take up the new key. */
export const defaultFirstUseGraceSeconds = 3_600;

/** The earlier of two ends; null is none. */
export function earlierEnd(end: Date | null, other: Date): Date {
  return end !== null && end < other ? end : other;
}
