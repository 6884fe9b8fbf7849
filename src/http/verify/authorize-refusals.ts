import type { RefusedCode } from '../../domain/verdict.ts';

/** Everything that keeps a request out, besides the verdicts. */
export type Refusal =
  | RefusedCode
  | 'NO_CREDENTIALS'
  | 'AMBIGUOUS'
  | 'GATEWAY_UNKNOWN'
  | 'GATEWAY_FORBIDDEN'
  | 'UNDECIDED';

type Answer = { status: 401 | 403 | 429 | 503; title: string; challenge?: string; code?: string };

const bearer = 'Bearer realm="flowplate"';

/** RFC 6750 §3.1: no error code when no credential was sent. */
const noCredentials: Answer = { status: 401, title: 'Authentication required', challenge: bearer };

/**
 * One answer for unknown, revoked, disabled and expired keys: the end client learns nothing about
 * which it was.
 */
const invalidToken: Answer = {
  status: 401,
  title: 'The credential is not valid',
  challenge: `${bearer}, error="invalid_token"`,
};

const forbidden: Answer = {
  status: 403,
  title: 'Not allowed',
  challenge: `${bearer}, error="insufficient_scope"`,
  code: 'forbidden',
};

const limited: Answer = { status: 429, title: 'Too many requests', code: 'rate_limited' };

/**
 * What a proxy gets for each reason. Only 401, 403, 429 and 503: everything else some proxy turns
 * into something else.
 */
export const refusals: Record<Refusal, Answer> = {
  NO_CREDENTIALS: noCredentials,
  AMBIGUOUS: invalidToken,
  MALFORMED: invalidToken,
  NOT_FOUND: invalidToken,
  REVOKED: invalidToken,
  DISABLED: invalidToken,
  EXPIRED: invalidToken,
  ORGANIZATION_SUSPENDED: forbidden,
  ENVIRONMENT_MISMATCH: forbidden,
  ORGANIZATION_MISMATCH: forbidden,
  IP_NOT_ALLOWED: forbidden,
  INSUFFICIENT_SCOPE: forbidden,
  RATE_LIMITED: limited,
  QUOTA_EXCEEDED: limited,
  GATEWAY_UNKNOWN: {
    status: 401,
    title: 'The gateway is not authenticated',
    challenge: 'FlowplateMasterKey realm="flowplate"',
    code: 'gateway_unknown',
  },
  GATEWAY_FORBIDDEN: { status: 403, title: 'The gateway may not verify keys', code: 'gateway_forbidden' },
  UNDECIDED: { status: 503, title: 'Authorization unavailable', code: 'unavailable' },
};
