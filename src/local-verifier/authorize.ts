import { authorizePath, limitedStatusOf } from '../domain/forward-auth/authorize-path.ts';
import { meteredAs, type Outcome } from '../domain/forward-auth/outcome.ts';
import { type ProxyRequest, readProxyRequest } from '../domain/forward-auth/proxy-request.ts';
import { toRefusalAnswer } from '../domain/forward-auth/refusals.ts';
import { requestIdFrom } from '../http/request-context.ts';
import type { WholeAnswer } from '../http/send-whole.ts';
import { allowAnswer, type ProxyExchange, paceFor, refusalAnswer } from '../http/verify/proxy-answers.ts';
import { readTraceHeaders } from '../sdk/trace-headers.ts';
import { decideRequest } from './decide-request.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import { sourceOfAsked, type VerdictSource } from './verdict-source.ts';

/** Forward auth, as the API answers it (`src/http/verify/authorize.ts`). */
export function authorize(parts: GateParts, listener: Listener, { req, send }: ProxyExchange): void {
  const startedMs = parts.meter.startMs();
  const asked = readProxyRequest(req.rawHeaders);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  const answer = (outcome: Outcome, source: VerdictSource) => {
    parts.meter.end('authz', source, meteredAs(outcome), startedMs);
    const whole = toWhole(parts, req.url, outcome, requestId);
    // The announced body may never be sent, and the next request would be read as it.
    whole.isClosing = asked.announcesBody;
    send(whole);
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

function toWhole(
  parts: GateParts,
  url: string | undefined,
  outcome: Outcome,
  requestId: string,
): WholeAnswer {
  if (typeof outcome === 'object' && outcome.valid)
    return allowAnswer(outcome, requestId, () => parts.verifier.nowMs());
  const limitedStatus = limitedStatusOf(url ?? '');
  const refusal = toRefusalAnswer(outcome, { requestId, nowMs: parts.verifier.nowMs(), limitedStatus });
  if (refusal.status === 503) {
    parts.log.info({ route: authorizePath, status: 503, request_id: requestId }, 'request');
  }
  return refusalAnswer(refusal, paceFor(parts, outcome));
}
