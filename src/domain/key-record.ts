import type { KeyStatus, Metadata, Quota, RateLimit } from './key.ts';

/** All that a verification decides from. Times are Unix milliseconds, for cheap comparing and packing. */
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
