import type { IncomingMessage, ServerResponse } from 'node:http';
import { allowHeaderList } from '../domain/forward-auth/allow-headers.ts';
import { authorizePath, limitedStatusOf } from '../domain/forward-auth/authorize-path.ts';
import { isUnknownKey, meteredAs, type Outcome } from '../domain/forward-auth/outcome.ts';
import { type ProxyRequest, readProxyRequest } from '../domain/forward-auth/proxy-request.ts';
import { toRefusalAnswer, type Undecided } from '../domain/forward-auth/refusals.ts';
import type { Refused } from '../domain/verdict.ts';
import { requestIdFrom } from '../http/request-context.ts';
import { readTraceHeaders } from '../sdk/trace-headers.ts';
import { decideRequest } from './decide-request.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import { sourceOfAsked, type VerdictSource } from './verdict-source.ts';

/** Forward auth, as the API answers it (`src/http/verify/authorize.ts`). */
export function authorize(
  parts: GateParts,
  listener: Listener,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  const startedMs = parts.meter.startMs();
  const asked = readProxyRequest(req.rawHeaders);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  // The announced body may never be sent, and the next request would be read as it.
  if (asked.announcesBody) res.setHeader('Connection', 'close');
  const answer = (outcome: Outcome, source: VerdictSource) => {
    parts.meter.end('authz', source, meteredAs(outcome), startedMs);
    if (typeof outcome === 'object' && outcome.valid) {
      res.writeHead(
        200,
        allowHeaderList(outcome, requestId, () => parts.verifier.nowMs()),
      );
      res.end();
    } else refuse(parts, req, res, outcome, requestId);
  };
  const context = { requestId, readTrace: () => readTraceHeaders(req.rawHeaders) };
  const outcome = decideRequest(parts, asked, isGateway(parts, listener, asked), context);
  if (outcome instanceof Promise) void outcome.then((late) => answer(late, askedSource(late)));
  else answer(outcome, 'memory');
}

export function askedSource(outcome: Outcome): VerdictSource {
  return typeof outcome === 'object' ? sourceOfAsked(outcome) : 'broker';
}

/** A trusted listener needs no master key, and reads none: it may be the end client's invention. */
export function isGateway(
  { ownMasterKey }: Pick<GateParts, 'ownMasterKey'>,
  { isTrusted }: Listener,
  { masterKey }: Pick<ProxyRequest, 'masterKey'>,
): boolean {
  return isTrusted || (masterKey !== undefined && ownMasterKey.is(masterKey));
}

function refuse(
  parts: GateParts,
  req: IncomingMessage,
  res: ServerResponse,
  outcome: Refused | Undecided,
  requestId: string,
): void {
  const limitedStatus = limitedStatusOf(req.url ?? '');
  const answer = toRefusalAnswer(outcome, { requestId, nowMs: parts.verifier.nowMs(), limitedStatus });
  if (answer.status === 503) {
    parts.log.info({ route: authorizePath, status: 503, request_id: requestId }, 'request');
  }
  res.writeHead(answer.status, { ...answer.headers, 'Content-Length': Buffer.byteLength(answer.body) });
  if (outcome === 'GATEWAY_UNKNOWN') parts.refusalPace.end(res, answer.body);
  else if (isUnknownKey(outcome)) parts.unknownKeyPace.end(res, answer.body);
  else res.end(answer.body);
}
