import { minterTag } from './key-stop.ts';
import type { Key, KeySettings, StoredKeyStatus } from './user-key.ts';

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
  /** A quarantined key says `revoked` here: who does not know the state refuses it. */
  status: StoredKeyStatus;
  expiresAtMs: number | null;
  supersededUntilMs: number | null;
  /** End of the quarantine of a quarantined key; null for all others. */
  quarantinedUntilMs: number | null;
  /** The key that a superseded one was refreshed into, and when; null for all others. */
  supersededBy: string | null;
  supersededAtMs: number | null;
  /** `minterTag` of the master key that minted it; null when that is not known. */
  minter: string | null;
  /** Number in the order of mints; 0 for a key from before these numbers. */
  mintNumber: number;
  createdAtMs: number;
};

/** Of the settings, those that verification needs. It has the expiry as a number. */
type DecidingSettings = Omit<KeySettings, 'name' | 'expiresAt'>;

/** The record of a key that has just been minted: what Postgres would say of it. */
export function recordOfNewKey(key: Key): KeyRecord {
  return {
    id: key.id,
    revision: key.revision,
    lineageId: key.lineageId,
    userId: key.userId,
    organizationId: key.organizationId,
    environment: key.environment,
    status: 'active',
    enabled: key.enabled,
    expiresAtMs: key.expiresAt?.getTime() ?? null,
    supersededUntilMs: null,
    quarantinedUntilMs: null,
    supersededBy: null,
    supersededAtMs: null,
    minter: key.mintedBy === null ? null : minterTag(key.mintedBy),
    mintNumber: key.mintNumber ?? 0,
    createdAtMs: key.createdAt.getTime(),
    scopes: key.scopes,
    metadata: key.metadata,
    rateLimit: key.rateLimit,
    quota: key.quota,
    ipAllowlist: key.ipAllowlist,
  };
}

/**
 * Whether a key waits for its first use (waiting-key.ts). It has no row of `api_keys` yet, whose
 * first revision is 1. Its record is kept in no cache: each use goes to Postgres until one is
 * accepted.
 */
export function isWaiting(record: Pick<KeyRecord, 'revision'>): boolean {
  return record.revision === 0;
}

/**
 * Maximum age of a cached record, from its Postgres read, in Redis and in memory. A hit never
 * extends it. It bounds the damage of changes outside the feed, such as a manual UPDATE.
 */
export const recordLifeMs = 300_000;
