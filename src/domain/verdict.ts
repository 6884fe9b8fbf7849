import type { Metadata } from './user-key.ts';

/**
 * Codes of a verification, in the order in which they are decided. Callers must expect new ones.
 */
export const verdictCodes = [
  'MALFORMED',
  'NOT_FOUND',
  'REVOKED',
  'DISABLED',
  'QUARANTINED',
  'EXPIRED',
  'ORGANIZATION_SUSPENDED',
  'ENVIRONMENT_MISMATCH',
  'ORGANIZATION_MISMATCH',
  'IP_NOT_ALLOWED',
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
  'QUOTA_EXCEEDED',
  'SUPERSEDED',
  'VALID',
] as const;

export type VerdictCode = (typeof verdictCodes)[number];

/** `SUPERSEDED` also accepts: the key has a successor and is inside its grace. */
export type AcceptedCode = 'VALID' | 'SUPERSEDED';
export type RefusedCode = Exclude<VerdictCode, AcceptedCode>;

export function isAccepted(code: VerdictCode): code is AcceptedCode {
  return code === 'VALID' || code === 'SUPERSEDED';
}

/**
 * State of a limit after this call. `enforced`: `true`, counted for all processes; `local`, the
 * counters could not be reached, and `remaining` is what is left of this process's share; `false`,
 * the key says `on_unavailable: "allow"`, and nothing was counted.
 */
export type LimitState = {
  limit: number;
  remaining: number | null;
  reset_at: string | null;
  enforced: boolean | 'local';
};

export type Accepted = {
  valid: true;
  code: AcceptedCode;
  key_id: string;
  user_id: string;
  organization_id: string;
  environment: string;
  scopes: readonly string[];
  metadata: Metadata;
  expires_at: string | null;
  /** The key that this one was refreshed into; only with the code `SUPERSEDED`, as the next two. */
  superseded_by?: string | undefined;
  superseded_at?: string | undefined;
  superseded_until?: string | undefined;
  rate_limit?: LimitState & { window_seconds: number };
  quota?: LimitState & { period: string };
};

export type Refused = {
  valid: false;
  code: RefusedCode;
  rate_limit?: LimitState & { window_seconds: number };
  quota?: LimitState & { period: string };
};

export type Verdict = Accepted | Refused;
