import type { Metadata, Quota, RateLimit } from '../domain/user-key.ts';

export type { ErrorCode, ErrorDetails, Violation } from '../domain/errors.ts';
export type { Metadata, Quota, RateLimit } from '../domain/user-key.ts';
export type {
  Accepted,
  AcceptedCode,
  LimitState,
  Refused,
  RefusedCode,
  Verdict,
  VerdictCode,
} from '../domain/verdict.ts';

/**
 * What goes over the wire, in the API's own words. Times are RFC 3339, answered in UTC. A request
 * may also have a day `YYYY-MM-DD` in UTC: its end for `expires_at` and `to`, and its beginning for
 * the others.
 */
export type Owner = { user_id: string; organization_id: string; environment?: string | undefined };

export type MintRequest = Owner & {
  name?: string | undefined;
  metadata?: Metadata | undefined;
  scopes?: readonly string[] | undefined;
  /** Either this or `ttl_seconds`. */
  expires_at?: string | undefined;
  ttl_seconds?: number | undefined;
  rate_limit?: RateLimit | undefined;
  quota?: Quota | undefined;
  ip_allowlist?: readonly string[] | undefined;
};

export type NewKey = {
  /** The secret. It is shown this once. */
  key: string;
  key_id: string;
  key_prefix: string;
  user_id: string;
  organization_id: string;
  created_at: string;
};

/** The options that were set come along. */
export type MintedKey = NewKey & Partial<KeySettings> & { environment?: string };

export type KeySettings = {
  name: string | null;
  metadata: Metadata;
  scopes: string[];
  expires_at: string | null;
  rate_limit: RateLimit | null;
  quota: Quota | null;
  ip_allowlist: string[] | null;
};

export type KeyStatus = 'active' | 'disabled' | 'superseded' | 'revoked' | 'expired';

export type Key = KeySettings & {
  key_id: string;
  key_prefix: string;
  user_id: string;
  organization_id: string;
  environment: string;
  enabled: boolean;
  status: KeyStatus;
  superseded_until: string | null;
  revoked_at: string | null;
  created_at: string;
  updated_at: string;
  usage: {
    total_requests: number;
    refused_requests: number;
    requests_today: number;
    first_used_at: string | null;
    last_used_at: string | null;
    last_reset: string;
  };
};

/** Only what is named changes; null takes an option away. */
export type KeyChanges = {
  name?: string | null | undefined;
  metadata?: Metadata | undefined;
  scopes?: readonly string[] | undefined;
  expires_at?: string | null | undefined;
  rate_limit?: RateLimit | null | undefined;
  quota?: Quota | null | undefined;
  ip_allowlist?: readonly string[] | null | undefined;
  enabled?: boolean | undefined;
};

/**
 * What may be relied on. `complete`: no verifier anywhere accepts the old state in a request that
 * starts after this answer. `pending`: committed and durable, certain at `effective_by`.
 */
export type Propagated = {
  propagation: 'complete' | 'pending';
  propagation_detail: {
    acknowledged: number;
    total: number;
    waited_ms: number;
    effective_by: string;
    /**
     * For operators: the verifiers that have not confirmed it, by the master key of their gateway.
     */
    held_up_by?: { verifier_id: string; master_key_id: string | null }[] | undefined;
  };
};

export type RefreshRequest = {
  /** How long the old key goes on; not past its own expiry. */
  grace_period_seconds?: number | undefined;
  /**
   * A new end; with one, a key that expired at most 30 days ago is renewed. Either this or
   * `ttl_seconds`.
   */
  expires_at?: string | undefined;
  ttl_seconds?: number | undefined;
};

export type Refreshed = Propagated & {
  success: true;
  message: string;
  /** `expires_at` is there when the key has an end. */
  new_key: NewKey & { expires_at?: string | undefined };
};
export type Revoked = Propagated & { success: true; message: string; revoked_count: number };
export type UpdatedKey = Key & Propagated;

export type KeyFilter = {
  user_id?: string | undefined;
  organization_id?: string | undefined;
  environment?: string | undefined;
  status?: KeyStatus | undefined;
  /** Keys on a page, 1 to 100. */
  limit?: number | undefined;
};

export type KeyPage = { data: Key[]; next_cursor: string | null };

export type UsageRange = {
  from?: string | undefined;
  to?: string | undefined;
  granularity?: 'hour' | 'day' | undefined;
};

export type UsageSums = {
  requests: number;
  refused: number;
  cost: number;
  refusals: Record<string, number>;
};

export type KeyUsage = {
  key_id: string;
  granularity: 'hour' | 'day';
  from: string;
  to: string;
  data: Array<{ start: string } & UsageSums>;
  totals: UsageSums;
};

/** What is absent is not asked. */
export type VerifyRequest = {
  /** The key that the end client sent. */
  key: string;
  /** All of these must be held. */
  scopes?: readonly string[] | undefined;
  organization_id?: string | undefined;
  environment?: string | undefined;
  /**
   * The end client's address, also with port or brackets; needed for keys that have an allow-list.
   */
  ip?: string | undefined;
  /** What this call spends of limits and quota, 0 to 1,000,000; 1 unless set. */
  cost?: number | undefined;
};

/** RFC 7662. */
export type Introspection = {
  active: boolean;
  scope?: string;
  sub?: string;
  exp?: number;
  token_type?: string;
  key_id?: string;
  organization_id?: string;
  environment?: string;
};
