import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import { type ErrorCode, FlowplateError } from '../domain/errors.ts';
import { isForAuthorize } from '../domain/forward-auth/authorize-path.ts';
import { FastLaneServer } from '../fast-lane/fast-lane-server.ts';
import { connectionLimits, laneLimits, stalledAnswerMsMax } from '../http/connection-limits.ts';
import { nodeBodies, noInput } from '../http/exchange.ts';
import { answerProblem } from '../http/problem.ts';
import { readRequestId } from '../http/request-context.ts';
import { hasOneHost, hasOneReading, toOriginForm } from '../http/request-target.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { wholeSender } from '../http/send-whole.ts';
import { laneEndpoints } from '../http/verify/lane-endpoints.ts';
import { verifyKeyPath } from '../http/verify/verdict-schemas.ts';
import { drain } from '../process/serve-http.ts';
import { answerJson, withoutTracing } from './answer-json.ts';
import { authorize } from './authorize.ts';
import type { GateParts, Listener } from './gate-parts.ts';
import { healthPaths } from './health.ts';
import type { GateServer } from './open-listener.ts';
import { jsonEndpoints } from './verify-json.ts';

const endpoints = new Map(jsonEndpoints.map((endpoint) => [endpoint.path, endpoint]));

/** The server of one listener: forward auth, JSON verify, batch and health. */
export function createHttpServer(parts: GateParts, listener: Listener): GateServer {
  const server = newServer(parts, listener, (req, res) => {
    toOriginForm(req);
    // So that no gateway sends its next request into a closed connection.
    if (parts.isDraining()) res.setHeader('Connection', 'close');
    const url = req.url ?? '';
    const endpoint = req.method === 'POST' ? endpoints.get(url) : undefined;
    if (!hasOneHost(req)) answerOther(parts, listener, req, res);
    else if (isForAuthorize(url)) authorize(parts, listener, { req, send: wholeSender(req, res) });
    else if (endpoint !== undefined)
      answerJson(parts, listener, endpoint, { req, query: noInput, ...nodeBodies(req, res) });
    else answerOther(parts, listener, req, res);
  });
  server.timeout = stalledAnswerMsMax;
  return { server, drain: () => drain(server) };
}

function newServer(parts: GateParts, listener: Listener, answer: RequestListener): Server {
  const verifyEndpoint = endpoints.get(verifyKeyPath);
  if (!parts.isFastLaneOn || verifyEndpoint === undefined) return createServer(connectionLimits, answer);
  return new FastLaneServer(connectionLimits, answer, {
    endpoints: laneEndpoints({
      authorize: (exchange) => authorize(parts, listener, exchange),
      verify: (req, bodies) =>
        answerJson(parts, listener, verifyEndpoint, { req, query: noInput, ...bodies }),
    }),
    isOpen: () => !parts.isDraining(),
    ...laneLimits,
  });
}

/** What the API leaves to Express, with the headers that it has there. */
function answerOther(parts: GateParts, listener: Listener, req: IncomingMessage, res: ServerResponse): void {
  const requestId = readRequestId(req, parts.newRequestId);
  res.setHeader('x-request-id', requestId);
  securityHeaders(req, res, () => undefined);
  const [path = '', search = ''] = (req.url ?? '').split(/\?(.*)/s, 2);
  const refusal = refusalOf(req, path);
  if (refusal === 'METHOD_NOT_ALLOWED') res.setHeader('Allow', 'POST');
  if (refusal !== undefined) {
    const exchange = { req, send: wholeSender(req, res), requestId, isCallerKnown: () => false };
    answerProblem(withoutTracing(parts), new FlowplateError(refusal), exchange);
    return;
  }
  const endpoint = endpoints.get(path);
  if (endpoint === undefined) void healthPaths[path]?.(parts, res);
  else answerJson(parts, listener, endpoint, { req, query: parseQuery(search), ...nodeBodies(req, res) });
}

function refusalOf(req: IncomingMessage, path: string): ErrorCode | undefined {
  if (!hasOneHost(req)) return 'INVALID_REQUEST';
  if (!hasOneReading(req.url ?? '')) return 'ROUTE_NOT_FOUND';
  if (endpoints.has(path)) return req.method === 'POST' ? undefined : 'METHOD_NOT_ALLOWED';
  const isHealth = Object.hasOwn(healthPaths, path) && (req.method === 'GET' || req.method === 'HEAD');
  return isHealth ? undefined : 'ROUTE_NOT_FOUND';
}
