import type { IncomingMessage, ServerResponse } from 'node:http';
import { isForAuthorize } from '../../domain/forward-auth/authorize-path.ts';
import { pickHeaders } from '../../domain/pick-headers.ts';
import type { AppParts } from '../app.ts';
import { formReader, type HttpExchange, noInput } from '../exchange.ts';
import { answerProblem } from '../problem.ts';
import { requestIdFrom, traceIdOf } from '../request-context.ts';
import type { Route } from '../route.ts';
import { authorize } from './authorize.ts';
import { serveMetered } from './serve-metered.ts';
import { verifyBatchRoute } from './verify-batch.ts';
import { verifyKeyRoute } from './verify-key.ts';

/** Answers the request and returns true, if it is for a fast endpoint. */
export type Doors = (req: IncomingMessage, res: ServerResponse) => boolean;

/**
 * Fast endpoints: served on raw node:http before Express, chosen by exact URL. JSON verifications
 * take the same steps as every route (`serve`). A URL with a query, or another method, goes to
 * Express. A verification is counted, and logged only if it failed.
 */
export function verifyDoors(parts: AppParts): Doors {
  const routes = new Map<string | undefined, Route<AppParts>>([
    [verifyKeyRoute.path, verifyKeyRoute],
    [verifyBatchRoute.path, verifyBatchRoute],
  ]);
  return (req, res) => {
    if (isForAuthorize(req.url ?? '')) {
      authorize(parts, req, res);
      return true;
    }
    const route = req.method === 'POST' ? routes.get(req.url) : undefined;
    if (route === undefined) return false;
    answer(parts, route, req, res);
    return true;
  };
}

function answer(parts: AppParts, route: Route<AppParts>, req: IncomingMessage, res: ServerResponse): void {
  const [[sent, ...more] = []] = pickHeaders(req.rawHeaders, ['x-request-id']);
  const requestId = requestIdFrom(more.length > 0 ? undefined : sent, parts.newRequestId);
  const exchange = newExchange(parts, req, res, requestId);
  serveMetered(parts, route, exchange).catch((thrown: unknown) => {
    if (!res.headersSent) res.setHeader('x-request-id', requestId);
    refuse(parts, route, exchange, thrown);
  });
}

function newExchange(
  parts: AppParts,
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
): HttpExchange {
  let isCallerKnown = false;
  return {
    req,
    res,
    params: noInput,
    query: noInput,
    requestId,
    form: formReader(req),
    ip: () => parts.readAddress(req),
    onPrincipal: () => {
      isCallerKnown = true;
    },
    isCallerKnown: () => isCallerKnown,
  };
}

function refuse(
  parts: AppParts,
  route: Pick<Route<AppParts>, 'path' | 'access'>,
  exchange: HttpExchange,
  thrown: unknown,
): void {
  answerProblem(parts, thrown, exchange, route.access.schemes);
  const { req, res, requestId } = exchange;
  const traceId = traceIdOf(parts, req);
  const seen = { route: route.path, status: res.statusCode, request_id: requestId, trace_id: traceId };
  parts.log.info(seen, 'request');
}
