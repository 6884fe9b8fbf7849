import { tryMaybe } from '../../concurrency/maybe-later.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { AppParts } from '../app.ts';
import { type HttpExchange, noInput } from '../exchange.ts';
import { answerProblem } from '../problem.ts';
import { requestIdFrom, traceIdOf } from '../request-context.ts';
import type { RequestHead } from '../request-head.ts';
import type { Route } from '../route.ts';
import { withRequestId } from '../send-whole.ts';
import type { Bodies } from './lane-endpoints.ts';
import { serveMetered } from './serve-metered.ts';

/**
 * Serves a JSON verification outside of Express, by the same steps as every route (`serve`). It is
 * counted, and logged only if it failed.
 */
export function serveFast(parts: AppParts, route: Route<AppParts>, req: RequestHead, bodies: Bodies): void {
  const exchange = newExchange(parts, req, bodies);
  void tryMaybe(
    () => serveMetered(parts, route, exchange),
    (thrown) => refuse(parts, route, exchange, thrown),
  );
}

function newExchange(
  parts: AppParts,
  req: RequestHead,
  { readBytes, send, res, form }: Bodies,
): HttpExchange {
  const [[sent, ...more] = []] = pickHeaders(req.rawHeaders, ['x-request-id']);
  let isCallerKnown = false;
  return {
    req,
    params: noInput,
    query: noInput,
    requestId: requestIdFrom(more.length > 0 ? undefined : sent, parts.newRequestId),
    readBytes,
    send,
    res,
    form,
    ip: () => parts.readAddress(req),
    onPrincipal: () => {
      isCallerKnown = true;
    },
    isCallerKnown: () => isCallerKnown,
  };
}

function refuse(
  parts: AppParts,
  { path, access }: Pick<Route<AppParts>, 'path' | 'access'>,
  exchange: HttpExchange,
  thrown: unknown,
): void {
  const { req, requestId } = exchange;
  const send = withRequestId(requestId, exchange.send);
  const status = answerProblem(parts, thrown, { ...exchange, send }, access.schemes);
  const seen = { route: path, status, request_id: requestId, trace_id: traceIdOf(parts, req) };
  parts.log.info(seen, 'request');
}
