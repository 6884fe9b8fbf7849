import type { Metadata, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { isUnknownKey, meteredAs, type Outcome } from '../../domain/forward-auth/outcome.ts';
import { toRefusalAnswer } from '../../domain/forward-auth/refusals.ts';
import { requestIdFrom } from '../../http/request-context.ts';
import { readTraceHeaders } from '../../sdk/trace-headers.ts';
import { askedSource, isGateway } from '../authorize.ts';
import { decideRequest } from '../decide-request.ts';
import type { GateParts, Listener } from '../gate-parts.ts';
import type { VerdictSource } from '../verdict-source.ts';
import type { CheckRequest, CheckResponse } from './check-messages.ts';
import { toDeniedResponse, toOkResponse } from './check-response.ts';
import { readCheckRequest } from './read-check-request.ts';

/**
 * `Check` of Envoy's `ext_authz`: forward auth over gRPC. The call itself always succeeds, so that
 * `failure_mode_allow` of Envoy has nothing to allow.
 */
export function check(
  parts: GateParts,
  listener: Listener,
  { request, metadata }: ServerUnaryCall<CheckRequest, CheckResponse>,
  answer: sendUnaryData<CheckResponse>,
): void {
  const startedMs = parts.meter.startMs();
  const { asked, rawHeaders } = readCheckRequest(request);
  const requestId = requestIdFrom(asked.requestId, parts.newRequestId);
  const nowMs = () => parts.verifier.nowMs();
  const finish = (outcome: Outcome, source: VerdictSource) => {
    parts.meter.end('ext_authz', source, meteredAs(outcome), startedMs);
    if (typeof outcome === 'object' && outcome.valid)
      return answer(null, toOkResponse(outcome, rawHeaders, nowMs));
    const refusal = toDeniedResponse(toRefusalAnswer(outcome, { requestId, nowMs: nowMs() }));
    const send = () => answer(null, refusal);
    if (outcome === 'GATEWAY_UNKNOWN') parts.refusalPace.run(send);
    else if (isUnknownKey(outcome)) parts.unknownKeyPace.run(send);
    else send();
  };
  const isKnown = isGateway(parts, listener, { masterKey: masterKeyOf(metadata) });
  const context = { requestId, readTrace: () => readTraceHeaders(rawHeaders) };
  const outcome = decideRequest(parts, asked, isKnown, context);
  if (outcome instanceof Promise) void outcome.then((late) => finish(late, askedSource(late)));
  else finish(outcome, 'memory');
}

/** Envoy's `initial_metadata`. A client cannot set it: its own headers are inside the message. */
function masterKeyOf(metadata: Metadata): string | undefined {
  const [first, ...others] = metadata.get('x-flowplate-master-key').map(String);
  return others.every((other) => other === first) ? first : undefined;
}
