import type { Api, Sendable } from './sendable.ts';

export type { ErrorCode, ErrorDetails, Violation } from '../domain/errors.ts';
export type { Check, Explanation } from '../domain/explanation.ts';
export type { Metadata, Quota, RateLimit } from '../domain/user-key.ts';
/**
 * Verdicts by hand: `valid` tells an accepted one from a refused one, so that its fields are there.
 * The document has one shape with everything optional.
 */
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
 * Types of the API's JSON, under its own names. Times are RFC 3339, in answers in UTC. Requests
 * also take a day `YYYY-MM-DD` in UTC: its end for `expires_at` and `to`, its start otherwise.
 */
export type Owner = { user_id: string; organization_id: string; environment?: string | undefined };

export type MintRequest = Sendable<Api['MintKeyBody']>;

/** The options that were set come along. */
export type MintedKey = Api['MintKeyAnswer'] & {
  /** What the mint had to create first, such as for a typo; from the header `Flowplate-Created`. */
  created?: ('organization' | 'environment')[];
};
export type NewKey = Omit<Refreshed['new_key'], 'expires_at'>;

export type Key = Api['GetKeyAnswer'];
export type KeySettings = Omit<Required<Api['MintKeyAnswer']>, keyof NewKey | 'environment'>;
export type KeyStatus = Key['status'];

/** Only what is named changes; null takes an option away. */
export type KeyChanges = Sendable<Api['UpdateKeyBody']>;
export type UpdatedKey = Key & Propagated;

export type Revoked = Api['RevokeKeyAnswer'];

type BulkBody = Api['BulkChangeKeysBody'];
type BulkAnswer = Api['BulkChangeKeysAnswer'];

/** Which keys an order is about; all narrow together. */
export type BulkFilter = Sendable<BulkBody['filter']>;
export type BulkOrder = Sendable<Pick<BulkBody, 'action' | 'filter' | 'reason'>>;

/** What an order would change. `confirm_token` confirms exactly this for ten minutes. */
export type BulkPreview = Extract<BulkAnswer, { confirm_token: string }>;

/** With `job_id` when a job has still to change keys, or to write a stop into their rows. */
export type BulkOrdered = Extract<BulkAnswer, { affected_count: number }>;

/** How far an order about many keys has come. */
export type Job = Api['GetJobAnswer'];

/** Why a key ends. `unspecified` unless said. */
export type RevocationReason = NonNullable<Api['RevokeKeyQuery']['reason']>;

/**
 * How far a change has reached the verifiers. `complete`: no verifier accepts the old state in a
 * request that starts after this answer. `pending`: committed, and in effect everywhere at
 * `effective_by`.
 */
export type Propagated = Pick<Revoked, 'propagation' | 'propagation_detail'>;

/** A new end also renews a key that expired at most 30 days ago. */
export type RefreshRequest = Omit<Sendable<Api['RefreshKeyBody']>, 'environment'>;

/** `new_key.expires_at` is there when the key has an end. */
export type Refreshed = Api['RefreshKeyAnswer'];

/** `never_used` is a boolean here, and a word in the query. */
export type KeyFilter = Omit<Sendable<Api['ListKeysQuery']>, 'cursor' | 'never_used'> & {
  never_used?: boolean | undefined;
};
export type KeyPage = { data: Key[]; next_cursor: string | null };

/** What the hygiene report looks for; every key with a finding unless one is named. */
export type HygieneFilter = Omit<Sendable<Api['ReportHygieneQuery']>, 'cursor'>;
/** An active key that somebody should look at, with everything that was found. */
export type HygieneItem = Api['ReportHygieneAnswer']['data'][number];
/** `scopes_recorded_since`: of all organizations, or of the one that is asked about. */
export type HygienePage = {
  data: HygieneItem[];
  next_cursor: string | null;
  scopes_recorded_since: string | null;
};

export type UsageRange = Sendable<Api['GetKeyUsageQuery']>;
export type KeyUsage = Api['GetKeyUsageAnswer'];
export type UsageSums = KeyUsage['totals'];

/** Demands of a verification. An absent one is not asked. */
export type VerifyRequest = Omit<Sendable<Api['VerifyKeyBody']>, 'explain'>;

/** Demands of a verification that is explained. An absent one is not asked. */
export type ExplainRequest = Sendable<Api['ExplainKeyBody']>;

/** One of the last refusals of a key. */
export type KeyRefusal = Api['ListKeyRefusalsAnswer']['data'][number];

/** RFC 7662. */
export type Introspection = Api['IntrospectKeyAnswer'];
