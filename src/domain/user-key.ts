import type { RevocationReason } from './revocation-reason.ts';

/**
 * A key is `active` until it is refreshed (then `superseded` for its grace, if it was given one),
 * revoked or past its expiry.
 *
 *     active ──refresh with grace──▶ superseded ──grace over──▶ revoked
 *       ├────refresh / revoke──────────────────────────────────▶ revoked
 *       └────expiry over───────────────────────────────────────▶ expired
 *     expired ──refresh with a new end / revoke────────────────▶ revoked
 *     active or superseded ──leaked──▶ quarantined ──release───▶ as before
 *                                        └──hour over / refresh / revoke──▶ revoked
 *
 * A refresh with `activate: "on_first_use"` leaves the key active until its successor is first
 * accepted (waiting-key.ts).
 *
 * `disabled` is a switch on an active key, not a state. Expiry, the end of a grace and the end of a
 * quarantine are decided from their times whenever a key is verified or listed; the sweep that
 * writes `expired` and `revoked` only tidies.
 */
export type KeyStatus = StoredKeyStatus | 'quarantined';

/**
 * Statuses in a row and in a record. A quarantined key has `revoked` there, and the time at which
 * its quarantine ends beside it: all that does not know the state refuses the key.
 */
export type StoredKeyStatus = 'active' | 'superseded' | 'revoked' | 'expired';

/** How long a key that was reported as leaked can be released. */
export const quarantineMs = 60 * 60_000;

export const onUnavailable = ['local', 'deny', 'allow'] as const;
export type OnUnavailable = (typeof onUnavailable)[number];

/**
 * `on_unavailable` decides what a limit does while the counters cannot be reached. `local`, the
 * default: each process enforces its share. `deny`: it refuses. `allow`: it does not limit.
 */
export type RateLimit = { limit: number; window_seconds: number; on_unavailable?: OnUnavailable | undefined };

export const quotaPeriods = ['day', 'month'] as const;
export type QuotaPeriod = (typeof quotaPeriods)[number];

/** Periods are calendar days and months in UTC. */
export type Quota = { limit: number; period: QuotaPeriod; on_unavailable?: OnUnavailable | undefined };

export type Metadata = Record<string, unknown>;

/** Settings that the owner of a key chooses. A refresh carries them over. */
export type KeySettings = {
  name: string | null;
  metadata: Metadata;
  scopes: string[];
  expiresAt: Date | null;
  rateLimit: RateLimit | null;
  quota: Quota | null;
  ipAllowlist: string[] | null;
  enabled: boolean;
};

/** The settings of a key whose owner chose none. */
export const unsetSettings: KeySettings = {
  name: null,
  metadata: {},
  scopes: [],
  expiresAt: null,
  rateLimit: null,
  quota: null,
  ipAllowlist: null,
  enabled: true,
};

export type Key = KeySettings & {
  id: string;
  /**
   * Id of the first key of this line. Usage and quota are counted under it, so a refresh carries
   * them over.
   */
  lineageId: string;
  keyPrefix: string;
  userId: string;
  organizationId: string;
  environment: string;
  /**
   * Id of the master key whose call issued this secret, by a mint or a refresh: the one that
   * learned it. Null for other callers, and for old keys that the fill has not reached.
   */
  mintedBy: string | null;
  /**
   * Order of mints without any clock (migration 0039). Null before the insert, and for keys older
   * than these numbers, which come before all others.
   */
  mintNumber: number | null;
  status: KeyStatus;
  /** First accepted use of a key that waited for it; null for all others. */
  activatedAt: Date | null;
  /** End of the grace of a superseded key; null otherwise. */
  supersededUntil: Date | null;
  /** End of the quarantine of a quarantined key; null otherwise. */
  quarantinedUntil: Date | null;
  revokedAt: Date | null;
  /** Null while the key lives, and where no reason was given. */
  revokedReason: RevocationReason | null;
  createdAt: Date;
  updatedAt: Date;
  /** +1 with each change that may turn a yes into a no; caches compare it. */
  revision: number;
};

/** The fields of a key that decide its status at a time. */
export type DecidingStatus = Pick<Key, 'status' | 'expiresAt' | 'supersededUntil' | 'quarantinedUntil'>;

/** Status at `now`, before or after the sweep. At the boundary instant it has already ended. */
export function statusAt(key: DecidingStatus, now: Date): KeyStatus {
  if (key.status === 'revoked' || key.status === 'expired') return key.status;
  if (key.supersededUntil !== null && now >= key.supersededUntil) return 'revoked';
  if (key.quarantinedUntil !== null) return now >= key.quarantinedUntil ? 'revoked' : 'quarantined';
  if (key.expiresAt !== null && now >= key.expiresAt) return 'expired';
  return key.status;
}

/**
 * Predecessors of a key that may be in their grace at a time. All of them end in the transaction
 * of a revoke: 2,500 take 0.7 s on two cores, and beyond 0.8 s it would be refused. A refresh
 * every hour with the longest grace needs 24.
 */
export const predecessorsMax = 30;

/** Long enough for an owner who returns from a holiday. Later a key is minted again. */
export const renewableDays = 30;

export const renewableMs = renewableDays * 24 * 3_600_000;

/**
 * Whether a refresh may replace an expired key by one with a new end. A key in its grace already
 * has a successor.
 */
export function isRenewable(key: DecidingStatus, now: Date): boolean {
  if (key.status === 'superseded' || key.expiresAt === null || statusAt(key, now) !== 'expired') return false;
  return now.getTime() - key.expiresAt.getTime() <= renewableMs;
}
