import { mapMaybe, tryMaybe } from '../concurrency/maybe-later.ts';
import { FlowplateError } from '../domain/errors.ts';
import { outcomeOfError } from '../domain/outcome-of-error.ts';
import { readMasterKey } from '../http/access/master-key.ts';
import { type HttpExchange, noInput } from '../http/exchange.ts';
import { noQuery } from '../http/fields.ts';
import { answerProblem } from '../http/problem.ts';
import { bodyBytesMax, readJsonBody } from '../http/read-body.ts';
import { readRequestId } from '../http/request-context.ts';
import type { RequestHead } from '../http/request-head.ts';
import { sendAnswer } from '../http/send-answer.ts';
import { withRequestId } from '../http/send-whole.ts';
import { validate } from '../http/validate.ts';
import { readTraceHeaders } from '../sdk/trace-headers.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import type { VerdictSource } from './verdict-source.ts';
import { type JsonEndpoint, slowest } from './verify-json.ts';

/** A request for a verdict, from node:http or from the fast lane. */
export type JsonExchange = Pick<HttpExchange, 'req' | 'query' | 'readBytes' | 'send' | 'res'>;

/**
 * JSON verify and batch, in the steps of the API: who asks, the body, its schema, the verdicts. A
 * caller who is not known has nothing read.
 */
export function answerJson(
  parts: GateParts,
  listener: Listener,
  endpoint: JsonEndpoint,
  { req, query, ...bodies }: JsonExchange,
): void {
  const startedMs = parts.meter.startMs();
  const requestId = readRequestId(req, parts.newRequestId);
  const exchange = { ...bodies, req, requestId };
  let isCallerKnown = false;
  let source: VerdictSource = 'memory';
  const note = (other: VerdictSource) => {
    source = slowest(source, other);
  };
  const steps = () => {
    admit(parts, listener, req);
    isCallerKnown = true;
    if (query !== noInput) validate(noQuery, query);
    return readJsonBody(exchange, bodyBytesMax, (sent) => {
      const body = validate(endpoint.body, sent);
      const request = { requestId, readTrace: () => readTraceHeaders(req.rawHeaders), note };
      return mapMaybe(endpoint.answer(parts, body, request), (answer) => sendAnswer(exchange, answer));
    });
  };
  const timed = () => mapMaybe(steps(), () => parts.meter.time(endpoint.name, source, 'decided', startedMs));
  void tryMaybe(timed, (thrown) => {
    parts.meter.end(endpoint.name, source, outcomeOfError(thrown), startedMs);
    // With a query the request's id stands before the security headers, as behind Express.
    const send = query === noInput ? withRequestId(requestId, bodies.send) : bodies.send;
    const refused = { req, requestId, send, isCallerKnown: () => isCallerKnown };
    const status = answerProblem(withoutTracing(parts), thrown, refused, ['masterKey']);
    parts.log.info({ route: endpoint.path, status, request_id: requestId }, 'request');
  });
}

export function withoutTracing({ log, refusalPace }: GateParts) {
  return { log, refusalPace, tracing: undefined };
}

function admit({ ownMasterKey, brokerHealth }: GateParts, { isTrusted }: Listener, req: RequestHead): void {
  const isKnown = isTrusted || ownMasterKey.is(readMasterKey(req.rawHeaders));
  if (!isKnown || brokerHealth.isKeyRefused()) throw new FlowplateError('AUTHENTICATION_REQUIRED');
}
