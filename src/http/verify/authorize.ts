import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../domain/principal.ts';
import type { Accepted, RefusedCode, Verdict } from '../../domain/verdict.ts';
import { verifyKey } from '../../verify/verify-key.ts';
import type { AppParts } from '../app.ts';
import { type Refusal, refusals } from './authorize-refusals.ts';
import { readEndClient } from './end-client.ts';

/** Envoy gives up after 200 ms by default; an answer of ours, even a 503, must be there first. */
const deadlineMs = 150;

export const authorizePath = '/v1/flowplate/authz';

export function isForAuthorize(url: string): boolean {
  if (!url.startsWith(authorizePath)) return false;
  const next = url[authorizePath.length];
  return next === undefined || next === '/' || next === '?';
}

/**
 * Forward auth: a proxy asks, for the request that it holds, whether the end client's key is good. Whatever the method, nothing is
 * read but headers, and never a credential from anywhere else. 200 with every identity header and no body, or a refusal with
 * none of them; never another status that a proxy would misread (`docs/gateways.md`).
 */
export async function authorize(
  parts: AppParts,
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
): Promise<void> {
  // nginx announces the client's body and sends none: on a connection that stays open, the next request would be taken for it.
  if (announcesBody(req)) res.setHeader('Connection', 'close');
  const outcome = await withDeadline(decide(parts, req)).catch(() => 'UNDECIDED' as const);
  if (typeof outcome === 'object' && outcome.valid) allow(res, outcome, requestId);
  else refuse(req, res, outcome, requestId);
}

type Outcome = Verdict | Exclude<Refusal, RefusedCode>;

async function decide(parts: AppParts, req: IncomingMessage): Promise<Outcome> {
  const gateway = await identifyGateway(parts, req);
  if (gateway === undefined) return 'GATEWAY_UNKNOWN';
  if (!gateway.permissions.includes('keys:verify')) return 'GATEWAY_FORBIDDEN';
  const client = readEndClient(req.headersDistinct);
  if (client.key === undefined) return client.isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS';
  return verifyKey(parts.verify, gateway, { ...client.asked, key: client.key });
}

/** Only from its own header: `X-API-Key` and `Authorization` are the end client's here. */
async function identifyGateway(parts: AppParts, req: IncomingMessage): Promise<Principal | undefined> {
  const sent = req.headersDistinct['x-flowplate-master-key'];
  const secret = sent?.length === 1 ? sent[0] : undefined;
  return secret === undefined ? undefined : parts.masterKeys.identify(secret, () => parts.readAddress(req));
}

function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function allow(res: ServerResponse, verdict: Accepted, requestId: string): void {
  res.writeHead(200, {
    'x-flowplate-user-id': verdict.user_id,
    'x-flowplate-organization-id': verdict.organization_id,
    'x-flowplate-key-id': verdict.key_id,
    'x-flowplate-environment': verdict.environment,
    'x-flowplate-scopes': verdict.scopes.join(' '),
    'x-request-id': requestId,
    'x-envoy-auth-headers-to-remove': 'authorization,x-api-key',
    'Cache-Control': 'no-store',
    'Content-Length': 0,
    ...rateLimitHeaders(verdict),
  });
  res.end();
}

function refuse(
  req: IncomingMessage,
  res: ServerResponse,
  outcome: Verdict | Exclude<Refusal, RefusedCode>,
  requestId: string,
): void {
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
    ...(typeof outcome === 'object' && rateLimitHeaders(outcome)),
    ...(typeof outcome === 'object' && status === 429 && { 'Retry-After': retryAfter(outcome) }),
  });
  res.end(body);
}

/** draft-ietf-httpapi-ratelimit-headers: what is left of the limit that runs out first. Absent without a limit. */
function rateLimitHeaders({ rate_limit, quota }: Verdict): Record<string, string> {
  const policies: string[] = [];
  const states: string[] = [];
  for (const [name, state, seconds] of [
    ['rate', rate_limit, rate_limit?.window_seconds],
    ['quota', quota, undefined],
  ] as const) {
    if (state === undefined) continue;
    policies.push(`"${name}";q=${state.limit}${seconds === undefined ? '' : `;w=${seconds}`}`);
    if (state.remaining !== null)
      states.push(`"${name}";r=${state.remaining};t=${secondsUntil(state.reset_at)}`);
  }
  return {
    ...(policies.length > 0 && { 'RateLimit-Policy': policies.join(', ') }),
    ...(states.length > 0 && { RateLimit: states.join(', ') }),
  };
}

function retryAfter({ code, rate_limit, quota }: Verdict): string {
  return String(secondsUntil((code === 'QUOTA_EXCEEDED' ? quota : rate_limit)?.reset_at ?? null));
}

function secondsUntil(resetAt: string | null): number {
  return resetAt === null ? 1 : Math.max(1, Math.ceil((Date.parse(resetAt) - Date.now()) / 1_000));
}

function withDeadline<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('undecided')), deadlineMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
