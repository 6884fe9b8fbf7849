import type { IncomingMessage, ServerResponse } from 'node:http';
import { inTime } from '../../concurrency/deadline.ts';
import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Accepted, RefusedCode, Verdict } from '../../domain/verdict.ts';
import { verifyKey } from '../../verify/verify-key.ts';
import type { AppParts } from '../app.ts';
import { requestIdFrom } from '../request-context.ts';
import { type Refusal, refusals } from './authorize-refusals.ts';
import { type ProxyRequest, readProxyRequest } from './end-client.ts';

/** Envoy gives up after 200 ms by default; an answer of ours, even a 503, must be there first. */
const deadlineMs = 150;

const authorizePath = '/v1/flowplate/authz';

export function isForAuthorize(url: string): boolean {
  if (!url.startsWith(authorizePath)) return false;
  const next = url[authorizePath.length];
  return next === undefined || next === '/' || next === '?';
}

/**
 * Forward auth: a proxy asks, for the request that it holds, whether the end client's key is good.
 * Whatever the method, nothing is read but headers, and never a credential from anywhere else. 200
 * with every identity header and no body, or a refusal with none of them; never another status that
 * a proxy would misread (`docs/gateways.md`).
 */
export function authorize(parts: AppParts, req: IncomingMessage, res: ServerResponse): void {
  const asked = readProxyRequest(req.rawHeaders);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  // nginx announces the client's body and sends none: on a connection that stays open, the next
  // request would be taken for it.
  if (asked.announcesBody || parts.isDraining()) res.setHeader('Connection', 'close');
  const answer = (outcome: Outcome) => {
    if (typeof outcome === 'object' && outcome.valid) allow(parts, res, outcome, requestId);
    else refuse(parts, req, res, outcome, requestId);
  };
  const outcome = decide(parts, req, asked);
  if (outcome instanceof Promise) void withDeadline(outcome).then(answer, () => answer('UNDECIDED'));
  else answer(outcome);
}

function withDeadline(outcome: Promise<Outcome>): Promise<Outcome> {
  return inTime(outcome, deadlineMs, () => new Error('undecided'));
}

type Outcome = Verdict | Exclude<Refusal, RefusedCode>;

function decide(parts: AppParts, req: IncomingMessage, asked: ProxyRequest): MaybeLater<Outcome> {
  if (asked.masterKey === undefined) return 'GATEWAY_UNKNOWN';
  const gateway = parts.masterKeys.identify(asked.masterKey, () => parts.readAddress(req));
  return mapMaybe(gateway, (principal) => decideFor(parts, principal, asked));
}

function decideFor(
  parts: AppParts,
  gateway: MasterKeyPrincipal | undefined,
  asked: ProxyRequest,
): MaybeLater<Outcome> {
  if (gateway === undefined) return 'GATEWAY_UNKNOWN';
  if (!gateway.permissions.includes('keys:verify')) return 'GATEWAY_FORBIDDEN';
  if (asked.key === undefined) return asked.isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS';
  return verifyKey(parts.verify, gateway, { ...asked.asked, key: asked.key });
}

/**
 * Names and values in one flat list: the shape that Node writes without building an object of
 * headers first.
 */
function allow(parts: AppParts, res: ServerResponse, verdict: Accepted, requestId: string): void {
  const headers = [
    'x-flowplate-user-id',
    verdict.user_id,
    'x-flowplate-organization-id',
    verdict.organization_id,
    'x-flowplate-key-id',
    verdict.key_id,
    'x-flowplate-environment',
    verdict.environment,
    'x-flowplate-scopes',
    verdict.scopes.join(' '),
    'x-request-id',
    requestId,
    'x-envoy-auth-headers-to-remove',
    'authorization,x-api-key',
    'Cache-Control',
    'no-store',
    'Content-Length',
    '0',
  ];
  if (verdict.rate_limit !== undefined || verdict.quota !== undefined) {
    headers.push(...Object.entries(rateLimitHeaders(verdict, nowOf(parts))).flat());
  }
  res.writeHead(200, headers);
  res.end();
}

function refuse(
  parts: AppParts,
  req: IncomingMessage,
  res: ServerResponse,
  outcome: Verdict | Exclude<Refusal, RefusedCode>,
  requestId: string,
): void {
  const nowMs = nowOf(parts);
  const { status, title, challenge, code } =
    refusals[typeof outcome === 'object' ? (outcome.code as RefusedCode) : outcome];
  const onlyKnowsForbidden = status === 429 && /[?&]deny=403(&|$)/.test(req.url ?? '');
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status: onlyKnowsForbidden ? 403 : status,
    trace_id: requestId,
  });
  res.writeHead(onlyKnowsForbidden ? 403 : status, {
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'x-request-id': requestId,
    ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
    ...(code !== undefined && { 'x-flowplate-code': code }),
    ...(status === 503 && { 'Retry-After': '1' }),
    ...(typeof outcome === 'object' && rateLimitHeaders(outcome, nowMs)),
    ...(typeof outcome === 'object' && status === 429 && { 'Retry-After': retryAfter(outcome, nowMs) }),
  });
  if (outcome === 'GATEWAY_UNKNOWN') parts.refusalPace.end(res, body);
  else if (typeof outcome === 'object' && outcome.code === 'NOT_FOUND') parts.unknownKeyPace.end(res, body);
  else res.end(body);
}

/**
 * By the clock by which the limits were decided: this machine's own may be minutes away from it.
 */
function nowOf({ verify }: AppParts): number {
  return verify.clock.nowMs();
}

/**
 * draft-ietf-httpapi-ratelimit-headers: what is left of the limit that runs out first. Absent
 * without a limit.
 */
function rateLimitHeaders({ rate_limit, quota }: Verdict, nowMs: number): Record<string, string> {
  const policies: string[] = [];
  const states: string[] = [];
  for (const [name, state, seconds] of [
    ['rate', rate_limit, rate_limit?.window_seconds],
    ['quota', quota, undefined],
  ] as const) {
    if (state === undefined) continue;
    policies.push(`"${name}";q=${state.limit}${seconds === undefined ? '' : `;w=${seconds}`}`);
    if (state.remaining !== null)
      states.push(`"${name}";r=${state.remaining};t=${secondsUntil(state.reset_at, nowMs)}`);
  }
  return {
    ...(policies.length > 0 && { 'RateLimit-Policy': policies.join(', ') }),
    ...(states.length > 0 && { RateLimit: states.join(', ') }),
  };
}

function retryAfter({ code, rate_limit, quota }: Verdict, nowMs: number): string {
  return String(secondsUntil((code === 'QUOTA_EXCEEDED' ? quota : rate_limit)?.reset_at ?? null, nowMs));
}

function secondsUntil(resetAt: string | null, nowMs: number): number {
  return resetAt === null ? 1 : Math.max(1, Math.ceil((Date.parse(resetAt) - nowMs) / 1_000));
}
