import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppParts } from '../app.ts';
import { formReader, type HttpExchange } from '../exchange.ts';
import { answerProblem } from '../problem.ts';
import { requestIdFrom, traceIdOf } from '../request-context.ts';
import { type Route, serve } from '../route.ts';
import { authorize, isForAuthorize } from './authorize.ts';
import { type PlainHeaders, readPlainHeaders, verifyAtOnce } from './verify-at-once.ts';
import { verifyBatchRoute } from './verify-batch.ts';
import { verifyKeyRoute } from './verify-key.ts';

/** Answers the request and returns true, if it is for a fast endpoint. */
export type Doors = (req: IncomingMessage, res: ServerResponse) => boolean;

const noInput = Object.freeze({});

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
    const plain = route === verifyKeyRoute ? readPlainHeaders(req.rawHeaders) : undefined;
    if (plain === undefined) void answer(parts, route, req, res);
    else answerAtOnce(parts, plain, req, res);
    return true;
  };
}

async function answer(
  parts: AppParts,
  route: Route<AppParts>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const requestId = requestIdFrom(req.headers['x-request-id'], parts.newRequestId);
  if (parts.isDraining()) res.setHeader('Connection', 'close');
  res.setHeader('x-request-id', requestId);
  const exchange = newExchange(parts, req, res, requestId);
  await serve(parts, route, exchange).catch((thrown: unknown) => refuse(parts, route, exchange, thrown));
}

/** Sets all headers at the end: with one set before, Node builds an object for all of them. */
function answerAtOnce(parts: AppParts, plain: PlainHeaders, req: IncomingMessage, res: ServerResponse): void {
  const requestId = requestIdFrom(plain.requestId, parts.newRequestId);
  if (parts.isDraining()) res.setHeader('Connection', 'close');
  const exchange = newExchange(parts, req, res, requestId);
  verifyAtOnce(parts, exchange, (thrown) => {
    if (!res.headersSent) res.setHeader('x-request-id', requestId);
    refuse(parts, verifyKeyRoute, exchange, thrown);
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
