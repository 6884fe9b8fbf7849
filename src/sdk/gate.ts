import { deprecationHeaders } from '../domain/deprecation.ts';
import { limitHeaders } from '../domain/forward-auth/limit-headers.ts';
import { readPresentedKey } from '../domain/forward-auth/presented-key.ts';
import { type RefusalAnswer, toRefusalAnswer, type Undecided } from '../domain/forward-auth/refusals.ts';
import { pickHeaders } from '../domain/pick-headers.ts';
import type { Accepted, Refused, Verdict } from '../domain/verdict.ts';
import type { VerifyRequest } from './api-types.ts';
import { requestIdReader } from './request-id.ts';
import { readTraceHeaders } from './trace-headers.ts';
import type { FlowplateVerifier } from './verifier.ts';

/** Requirements of a route. */
export type Demands = Omit<VerifyRequest, 'key' | 'ip'>;

export type GateOptions<Request> = {
  /** Fixed, or derived from the request. */
  demands?: Demands | ((request: Request) => Demands) | undefined;
  /**
   * The end client's address, also with port or brackets, for keys with an allow-list; `req.ip`
   * unless set.
   */
  readAddress?: ((request: Request) => string | undefined) | undefined;
};

const headerNames = ['x-api-key', 'authorization', 'x-request-id'] as const;

export type GateVerifier = Pick<FlowplateVerifier, 'verifyNow' | 'verify' | 'nowMs'>;

export type Passed = { isAllowed: true; verdict: Accepted; headers: Record<string, string> };
export type Denied = RefusalAnswer & { isAllowed: false };

/**
 * Whether a request may pass, without a promise when memory can tell. Never rejects: a request that
 * cannot be verified is refused.
 */
export function judge(
  verifier: GateVerifier,
  rawHeaders: readonly string[],
  asked: Omit<VerifyRequest, 'key'>,
): Passed | Denied | Promise<Passed | Denied> {
  const [apiKeys = [], authorizations = [], requestIds = []] = pickHeaders(rawHeaders, headerNames);
  const requestId = requestIdReader(requestIds[0]);
  const deny = (outcome: Refused | Undecided): Denied => {
    const told = { requestId: requestId(), nowMs: verifier.nowMs() };
    return { isAllowed: false, ...toRefusalAnswer(outcome, told) };
  };
  const { key, isAmbiguous } = readPresentedKey(apiKeys, authorizations);
  if (key === undefined) return deny(isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS');
  const decided = (verdict: Verdict) => (verdict.valid ? pass(verdict, verifier.nowMs()) : deny(verdict));
  const request = { ...asked, key };
  const verdict = verifier.verifyNow(request, requestId);
  if (verdict !== undefined) return decided(verdict);
  return verifier
    .verify(request, { requestId, trace: readTraceHeaders(rawHeaders) })
    .then(decided)
    .catch(() => deny('UNDECIDED'));
}

function pass(verdict: Accepted, nowMs: number): Passed {
  const headers = { ...limitHeaders(verdict, nowMs), ...deprecationHeaders(verdict) };
  return { isAllowed: true, verdict, headers };
}
