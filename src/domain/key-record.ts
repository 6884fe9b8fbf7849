import type { KeySettings, KeyStatus } from './user-key.ts';

/**
 * All inputs of a verification decision. Times are Unix milliseconds, cheap to compare and pack.
 */
export type KeyRecord = DecidingSettings & {
  id: string;
  revision: number;
  lineageId: string;
  userId: string;
  organizationId: string;
  environment: string;
  status: KeyStatus;
  expiresAtMs: number | null;
  supersededUntilMs: number | null;
  /** The key that a superseded one was refreshed into, and when; null for all others. */
  supersededBy: string | null;
  supersededAtMs: number | null;
};

/** Of the settings, those that verification needs. It has the expiry as a number. */
type DecidingSettings = Omit<KeySettings, 'name' | 'expiresAt'>;

/**
 * Maximum age of a cached record, from its Postgres read, in Redis and in memory. A hit never
 * extends it. It bounds the damage of changes outside the feed, such as a manual UPDATE.
 */
export const recordLifeMs = 300_000;
