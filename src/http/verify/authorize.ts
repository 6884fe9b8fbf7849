import type { IncomingMessage, ServerResponse } from 'node:http';
import { inTime } from '../../concurrency/deadline.ts';
import { type MaybeLater, mapMaybe } from '../../concurrency/maybe-later.ts';
import { allowHeaderList } from '../../domain/forward-auth/allow-headers.ts';
import { authorizePath, limitedStatusOf } from '../../domain/forward-auth/authorize-path.ts';
import { decisionMsMax, isUnknownKey, meteredAs, type Outcome } from '../../domain/forward-auth/outcome.ts';
import { type ProxyRequest, readProxyRequest } from '../../domain/forward-auth/proxy-request.ts';
import { toRefusalAnswer, type Undecided } from '../../domain/forward-auth/refusals.ts';
import type { KeyRefusal } from '../../domain/key-refusal.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Accepted, Refused } from '../../domain/verdict.ts';
import { verifyKey } from '../../verify/verify-key.ts';
import type { AppParts } from '../app.ts';
import { requestIdFrom } from '../request-context.ts';

/**
 * Forward auth: a proxy asks whether the end client's key is valid for the request that it holds.
 * Takes any method, and reads only headers. 200 with every identity header and no body, or a
 * refusal with none of them; never a status that a proxy would misread (`docs/gateways.md`).
 */
export function authorize(parts: AppParts, req: IncomingMessage, res: ServerResponse): void {
  const startedMs = parts.verifications.startMs();
  const asked = readProxyRequest(req.rawHeaders);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  const ids = { requestId, traceId: parts.tracing?.traceIdOf(req) ?? null };
  // nginx announces the client's body and does not send it. On a kept connection the next request
  // would be read as that body.
  if (asked.announcesBody) res.setHeader('Connection', 'close');
  const answer = (outcome: Outcome) => {
    parts.verifications.end('authz', meteredAs(outcome), startedMs);
    if (typeof outcome === 'object' && outcome.valid) allow(parts, res, outcome, requestId);
    else refuse(parts, req, res, outcome, ids);
  };
  const outcome = decide(parts, req, asked, ids);
  if (outcome instanceof Promise) void withDeadline(outcome).then(answer, () => answer('UNDECIDED'));
  else answer(outcome);
}

function withDeadline(outcome: Promise<Outcome>): Promise<Outcome> {
  return inTime(outcome, decisionMsMax, () => new Error('undecided'));
}

/** The ids that the end client is told, for questions about the request. */
type RequestIds = Pick<KeyRefusal, 'requestId' | 'traceId'>;

function decide(
  parts: AppParts,
  req: IncomingMessage,
  asked: ProxyRequest,
  ids: RequestIds,
): MaybeLater<Outcome> {
  if (asked.masterKey === undefined) return 'GATEWAY_UNKNOWN';
  const gateway = parts.masterKeys.identify(asked.masterKey, () => parts.readAddress(req));
  return mapMaybe(gateway, (principal) => decideFor(parts, principal, asked, ids));
}

function decideFor(
  parts: AppParts,
  gateway: MasterKeyPrincipal | undefined,
  asked: ProxyRequest,
  ids: RequestIds,
): MaybeLater<Outcome> {
  if (gateway === undefined) return 'GATEWAY_UNKNOWN';
  if (!gateway.permissions.includes('keys:verify')) return 'GATEWAY_FORBIDDEN';
  if (asked.key === undefined) return asked.isAmbiguous ? 'AMBIGUOUS' : 'NO_CREDENTIALS';
  const { requestId, traceId } = ids;
  const from = { endpoint: 'authz', requestId, traceId, masterKeyId: gateway.id } as const;
  return verifyKey(parts.verify, gateway, { ...asked.asked, key: asked.key, from });
}

function allow(parts: AppParts, res: ServerResponse, verdict: Accepted, requestId: string): void {
  res.writeHead(
    200,
    allowHeaderList(verdict, requestId, () => nowOf(parts)),
  );
  res.end();
}

function refuse(
  parts: AppParts,
  req: IncomingMessage,
  res: ServerResponse,
  outcome: Refused | Undecided,
  { requestId, traceId }: RequestIds,
): void {
  const limitedStatus = limitedStatusOf(req.url ?? '');
  const told = { requestId, traceId: traceId ?? undefined, nowMs: nowOf(parts) };
  const answer = toRefusalAnswer(outcome, { ...told, limitedStatus });
  if (answer.status === 503) {
    const seen = { route: authorizePath, status: 503, request_id: requestId, trace_id: told.traceId };
    parts.log.info(seen, 'request');
  }
  res.writeHead(answer.status, { ...answer.headers, 'Content-Length': Buffer.byteLength(answer.body) });
  if (outcome === 'GATEWAY_UNKNOWN') parts.refusalPace.end(res, answer.body);
  else if (isUnknownKey(outcome)) parts.unknownKeyPace.end(res, answer.body);
  else res.end(answer.body);
}

/** The database clock, like the limiter; the local one may be minutes off. */
function nowOf({ verify }: AppParts): number {
  return verify.clock.nowMs();
}
