import { randomUUID } from 'node:crypto';
import type { Accepted, Verdict } from '../domain/verdict.ts';
import type { VerifyRequest } from './api-types.ts';
import { readCredential } from './end-client.ts';
import { limitHeaders, retryAfter } from './limit-headers.ts';
import { type Refusal, refusals } from './refusals.ts';
import type { FlowplateVerifier } from './verifier.ts';

/** What a route demands of the key that comes with a request. */
export type Demands = Omit<VerifyRequest, 'key' | 'ip'>;

export type GateOptions<Request> = {
  /** The same for every request, or made from it. */
  demands?: Demands | ((request: Request) => Demands) | undefined;
  /**
   * The end client's address, also with port or brackets, for keys that have a list; `req.ip`
   * unless set.
   */
  readAddress?: ((request: Request) => string | undefined) | undefined;
};

export type GateVerifier = Pick<FlowplateVerifier, 'verifyNow' | 'verify' | 'nowMs'>;

export type Passed = { isAllowed: true; verdict: Accepted; headers: Record<string, string> };
export type Denied = { isAllowed: false; status: number; headers: Record<string, string>; body: string };

const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const secretPattern = /fl_(user|master)_|^eyJ/;

/**
 * Whether a request may pass, without a promise when memory can tell. Never rejects: who cannot be
 * verified is not let in.
 */
export function judge(
  verifier: GateVerifier,
  rawHeaders: readonly string[],
  asked: Omit<VerifyRequest, 'key'>,
): Passed | Denied | Promise<Passed | Denied> {
  const { key, isAmbiguous } = readCredential(rawHeaders);
  if (key === undefined) return deny(isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS', rawHeaders);
  const request = { ...asked, key };
  const decided = (verdict: Verdict) => toOutcome(verdict, rawHeaders, verifier.nowMs());
  const verdict = verifier.verifyNow(request);
  if (verdict !== undefined) return decided(verdict);
  return verifier
    .verify(request)
    .then(decided)
    .catch(() => deny('UNDECIDED', rawHeaders));
}

function toOutcome(verdict: Verdict, rawHeaders: readonly string[], nowMs: number): Passed | Denied {
  const headers =
    verdict.rate_limit === undefined && verdict.quota === undefined ? {} : limitHeaders(verdict, nowMs);
  if (verdict.valid) return { isAllowed: true, verdict, headers };
  const denied = deny(verdict.code, rawHeaders);
  Object.assign(denied.headers, headers);
  if (denied.status === 429) denied.headers['Retry-After'] = retryAfter(verdict, nowMs);
  return denied;
}

function deny(refusal: Refusal, rawHeaders: readonly string[]): Denied {
  // A code that is newer than this version is a no as well.
  const { status, title, challenge, code } =
    refusals[Object.hasOwn(refusals, refusal) ? refusal : 'NOT_FOUND'];
  const requestId = requestIdOf(rawHeaders);
  return {
    isAllowed: false,
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'x-request-id': requestId,
      ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
      ...(code !== undefined && { 'x-flowplate-code': code }),
      ...(status === 503 && { 'Retry-After': '1' }),
    },
    body: JSON.stringify({ type: 'about:blank', title, status, trace_id: requestId }),
  };
}

/** The request's own id when it is safe in a header and looks like no secret, else a new one. */
function requestIdOf(rawHeaders: readonly string[]): string {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'x-request-id');
  const sent = at === -1 ? undefined : rawHeaders[at + 1];
  const isSafe = sent !== undefined && requestIdPattern.test(sent) && !secretPattern.test(sent);
  return isSafe ? sent : `req_${randomUUID().replaceAll('-', '')}`;
}
