import type { KeyStatus, Metadata, Quota, RateLimit } from './user-key.ts';

/**
 * All that a verification decides from. Times are Unix milliseconds, for cheap comparing and
 * packing.
 */
export type KeyRecord = {
  id: string;
  revision: number;
  lineageId: string;
  userId: string;
  organizationId: string;
  environment: string;
  status: KeyStatus;
  enabled: boolean;
  expiresAtMs: number | null;
  supersededUntilMs: number | null;
  scopes: string[];
  metadata: Metadata;
  rateLimit: RateLimit | null;
  quota: Quota | null;
  ipAllowlist: string[] | null;
};

/**
 * How long a record may be used after its Postgres read, in Redis and in memory alike, never
 * extended by a hit. It bounds the damage of what the change feed does not carry, such as an
 * operator's own UPDATE.
 */
export const recordLifeMs = 300_000;
