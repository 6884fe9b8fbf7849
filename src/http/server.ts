import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import { type AppParts, createApp } from './app.ts';
import { connectionLimits, stalledAnswerMsMax } from './connection-limits.ts';
import { hasOneHost, toOriginForm } from './request-target.ts';
import { loginFloodGuard } from './sessions/login-flood-guard.ts';
import { tracedRequests } from './traced-requests.ts';
import { followHubUpgrades, isForHub } from './verifiers/follow-hub.ts';
import { verifyDoors } from './verify/doors.ts';

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
  const { tracing } = parts;
  const server = createServer(
    {
      ...connectionLimits,
      shouldUpgradeCallback: isForHub,
      // Requests and responses are created with Express's prototypes. Express would otherwise swap
      // the prototypes of each one, which deoptimises the engine: 60,700 → 73,500 requests/s of an
      // empty Express on Node 26.
      IncomingMessage: withPrototype(IncomingMessage, app.request),
      ServerResponse: withPrototype(ServerResponse, app.response),
    },
    tracing === undefined ? listener : tracedRequests(tracing, listener),
  );
  server.timeout = stalledAnswerMsMax;
  server.on('upgrade', followHubUpgrades(parts));
  return server;
}

function withPrototype<C extends NewableFunction>(base: C, prototype: object): C {
  function Born(...args: unknown[]): object {
    return Reflect.construct(base, args, Born);
  }
  Born.prototype = prototype;
  return Born as unknown as C;
}
