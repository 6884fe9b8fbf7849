import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import { FastLaneServer } from '../fast-lane/fast-lane-server.ts';
import { type AppParts, createApp } from './app.ts';
import { connectionLimits, laneLimits, stalledAnswerMsMax } from './connection-limits.ts';
import { hasOneHost, toOriginForm } from './request-target.ts';
import { loginFloodGuard } from './sessions/login-flood-guard.ts';
import { tracedRequests } from './traced-requests.ts';
import { followHubUpgrades, isForHub } from './verifiers/follow-hub.ts';
import { authorize } from './verify/authorize.ts';
import { verifyDoors } from './verify/doors.ts';
import { laneEndpoints } from './verify/lane-endpoints.ts';
import { serveFast } from './verify/serve-fast.ts';
import { verifyKeyRoute } from './verify/verify-key.ts';

/**
 * Creates the API's server. The fast endpoints of gateways, and logins beyond the limit, are
 * answered before Express. Express serves everything else.
 */
export function createApiServer(parts: AppParts): Server {
  const app = createApp(parts);
  const doors = verifyDoors(parts);
  const gate = loginFloodGuard(parts);
  const listener: RequestListener = (req, res) => {
    toOriginForm(req);
    // Asks keep-alive clients to close while the process still answers, so that none sends into a
    // closed connection.
    if (parts.isDraining()) res.setHeader('Connection', 'close');
    const isAnswered = hasOneHost(req) && (doors(req, res) || gate(req, res));
    if (!isAnswered) app(req, res);
  };
  const server = newServer(
    parts,
    {
      ...connectionLimits,
      shouldUpgradeCallback: isForHub,
      // Requests and responses are created with Express's prototypes. Express would otherwise swap
      // the prototypes of each one, which deoptimises the engine: 60,700 → 73,500 requests/s of an
      // empty Express on Node 26.
      IncomingMessage: withPrototype(IncomingMessage, app.request),
      ServerResponse: withPrototype(ServerResponse, app.response),
    },
    listener,
  );
  server.timeout = stalledAnswerMsMax;
  server.on('upgrade', followHubUpgrades(parts));
  return server;
}

/** With the fast lane in front, unless it is off. Not with tracing: spans come from node:http. */
function newServer(parts: AppParts, options: ServerOptions, listener: RequestListener): Server {
  if (parts.tracing !== undefined) return createServer(options, tracedRequests(parts.tracing, listener));
  if (!parts.isFastLaneOn) return createServer(options, listener);
  return new FastLaneServer(options, listener, {
    endpoints: laneEndpoints({
      authorize: (exchange) => authorize(parts, exchange),
      verify: (req, bodies) => serveFast(parts, verifyKeyRoute, req, bodies),
    }),
    isOpen: () => !parts.isDraining(),
    ...laneLimits,
  });
}

function withPrototype<C extends NewableFunction>(base: C, prototype: object): C {
  function Born(...args: unknown[]): object {
    return Reflect.construct(base, args, Born);
  }
  Born.prototype = prototype;
  return Born as unknown as C;
}
