import type { KeySettings, KeyStatus } from './user-key.ts';

/**
 * All that a verification decides from. Times are Unix milliseconds, for cheap comparing and
 * packing.
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
};

/** Of the settings, those that verification needs. It has the expiry as a number. */
type DecidingSettings = Omit<KeySettings, 'name' | 'expiresAt'>;

/**
 * How long a record may be used after its Postgres read, in Redis and in memory alike, never
 * extended by a hit. It bounds the damage of what the change feed does not carry, such as an
 * operator's own UPDATE.
 */
export const recordLifeMs = 300_000;
