import { tryMaybe } from '../../concurrency/maybe-later.ts';
import type { AppParts } from '../app.ts';
import { type Bodies, type HttpExchange, plainExchange } from '../exchange.ts';
import { answerProblem } from '../problem.ts';
import { traceIdOf } from '../request-context.ts';
import type { RequestHead } from '../request-head.ts';
import type { Route } from '../route.ts';
import { withRequestId } from '../send-whole.ts';
import { serveMetered } from './serve-metered.ts';

/**
 * Serves a JSON verification outside of Express, by the same steps as every route (`serve`). It is
 * counted, and logged only if it failed.
 */
export function serveFast(parts: AppParts, route: Route<AppParts>, req: RequestHead, bodies: Bodies): void {
  const exchange = plainExchange(parts, req, bodies);
  void tryMaybe(
    () => serveMetered(parts, route, exchange),
    (thrown) => refuse(parts, route, exchange, thrown),
  );
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
