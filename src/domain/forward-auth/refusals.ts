import type { Refused, RefusedCode } from '../verdict.ts';
import { limitHeaders, retryAfter } from './limit-headers.ts';

/** Everything that keeps a request out, besides the verdicts. */
export type Refusal =
  | RefusedCode
  | 'NO_CREDENTIALS'
  | 'AMBIGUOUS'
  | 'GATEWAY_UNKNOWN'
  | 'GATEWAY_FORBIDDEN'
  | 'UNDECIDED';

type Reason = { status: 401 | 403 | 429 | 503; title: string; challenge?: string; code?: string };

const bearer = 'Bearer realm="flowplate"';

/** RFC 6750 §3.1: no error code when no credential was sent. */
const noCredentials: Reason = { status: 401, title: 'Authentication required', challenge: bearer };

/**
 * One answer for unknown, revoked, disabled, quarantined and expired keys: the end client learns
 * nothing about which it was.
 */
const invalidToken: Reason = {
  status: 401,
  title: 'The credential is not valid',
  challenge: `${bearer}, error="invalid_token"`,
};

const forbidden: Reason = {
  status: 403,
  title: 'Not allowed',
  challenge: `${bearer}, error="insufficient_scope"`,
  code: 'forbidden',
};

const limited: Reason = { status: 429, title: 'Too many requests', code: 'rate_limited' };

/**
 * Answers to a proxy by reason. Only 401, 403, 429 and 503: some proxy turns every other status
 * into something else.
 */
export const refusals: Record<Refusal, Reason> = {
  NO_CREDENTIALS: noCredentials,
  AMBIGUOUS: invalidToken,
  MALFORMED: invalidToken,
  NOT_FOUND: invalidToken,
  REVOKED: invalidToken,
  DISABLED: invalidToken,
  QUARANTINED: invalidToken,
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

/** Reasons of a request that got no verdict. */
export type Undecided = Exclude<Refusal, RefusedCode>;

export type RefusedRequest = {
  requestId: string;
  /** Where the process traces; the request's id otherwise. */
  traceId?: string | undefined;
  nowMs: number;
  limitedStatus?: 403 | 429;
};

export type RefusalAnswer = { status: number; headers: Record<string, string>; body: string };

/**
 * The answer to a request that is kept out, an RFC 9457 problem. The embedded verifier gives the
 * same one as the server, so that a gateway may change from one to the other unnoticed.
 * `limitedStatus` is for proxies that take no 429. A code that is newer than this version is
 * refused like an unknown key.
 */
export function toRefusalAnswer(
  outcome: Refused | Undecided,
  { requestId, traceId = requestId, nowMs, limitedStatus = 429 }: RefusedRequest,
): RefusalAnswer {
  const verdict = typeof outcome === 'object' ? outcome : undefined;
  const refusal = verdict?.code ?? (outcome as Undecided);
  const reason = refusals[Object.hasOwn(refusals, refusal) ? refusal : 'NOT_FOUND'];
  const { title, challenge, code } = reason;
  const status = reason.status === 429 ? limitedStatus : reason.status;
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'x-request-id': requestId,
      ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
      ...(code !== undefined && { 'x-flowplate-code': code }),
      ...(status === 503 && { 'Retry-After': '1' }),
      ...(verdict !== undefined && limitHeaders(verdict, nowMs)),
      ...(verdict !== undefined && reason.status === 429 && { 'Retry-After': retryAfter(verdict, nowMs) }),
    },
    body: JSON.stringify({ type: 'about:blank', title, status, trace_id: traceId }),
  };
}
