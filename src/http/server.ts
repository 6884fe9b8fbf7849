import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import { type AppParts, createApp } from './app.ts';
import { hasOneHost, toOriginForm } from './request-target.ts';
import { loginGate } from './sessions/login-flood-guard.ts';
import { verifyDoors } from './verify/doors.ts';

/**
 * Above what gateways keep idle connections for (nginx 60 s, Go 90 s): the side that closes first
 * must not be this one.
 */
const keepAliveMs = 120_000;

/**
 * How long a request may take to arrive: its head, and all of it with its body, from the first
 * byte. A new connection has as long for its first head. Beyond that a connection only holds memory
 * and a descriptor, as a slowloris attack does, and a credential that was admitted may long have
 * ended.
 */
const headMsMax = 5_000;
const requestMsMax = 10_000;

/**
 * Node looks for connections that are too late at this interval; its default of 30 s is added to
 * each of the above.
 */
const lateCheckMs = 1_000;

/** How long nothing of an answer may be taken before its connection is closed. */
const stalledAnswerMsMax = keepAliveMs;

/**
 * The API's server. What gateways ask on every request is answered on the bare server, before
 * Express sees it, and so is a login among too many; everything else is Express.
 */
export function createApiServer(parts: AppParts): Server {
  const app = createApp(parts);
  const doors = verifyDoors(parts);
  const gate = loginGate(parts);
  const listener: RequestListener = (req, res) => {
    toOriginForm(req);
    const isAnswered = hasOneHost(req) && (doors(req, res) || gate(req, res));
    if (!isAnswered) app(req, res);
  };
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headMsMax,
      requestTimeout: requestMsMax,
      connectionsCheckingInterval: lateCheckMs,
      maxHeaderSize: 16_384,
      // Express swaps the prototypes of every request and answer, which makes the engine throw its
      // optimised code away. Objects that are born with Express's prototypes make the swap a no-op:
      // 60,700 → 73,500 requests/s of an empty Express on Node 26.
      IncomingMessage: withPrototype(IncomingMessage, app.request),
      ServerResponse: withPrototype(ServerResponse, app.response),
    },
    listener,
  );
  server.timeout = stalledAnswerMsMax;
  return server;
}

function withPrototype<C extends NewableFunction>(base: C, prototype: object): C {
  function Born(...args: unknown[]): object {
    return Reflect.construct(base, args, Born);
  }
  Born.prototype = prototype;
  return Born as unknown as C;
}
