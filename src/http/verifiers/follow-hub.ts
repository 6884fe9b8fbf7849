import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { FlowplateError } from '../../domain/errors.ts';
import type { HubLine } from '../../domain/hub-lines.ts';
import type { MasterKeyPrincipal, Principal } from '../../domain/principal.ts';
import { parseJson } from '../../domain/read-json.ts';
import { Following, type FollowParts } from '../../usecases/verifiers/follow-hub.ts';
import type { MasterKeyAccessParts } from '../access/identify-master-key.ts';
import { masterKey } from '../access/master-key.ts';
import type { ReadAddress } from '../caller-address.ts';
import { type HttpExchange, nodeBodies, plainExchange } from '../exchange.ts';
import { answerProblem, type ProblemParts } from '../problem.ts';
import type { RequestContextParts } from '../request-context.ts';
import { hasOneHost } from '../request-target.ts';
import { noteRefusal, type RouteParts } from '../route.ts';
import { seq } from './verifier-schemas.ts';

export type FollowHubParts = MasterKeyAccessParts &
  ProblemParts &
  RequestContextParts & {
    following: FollowParts;
    noteRefusal: RouteParts['noteRefusal'];
    readAddress: ReadAddress;
    isDraining: () => boolean;
  };

/** Path of the stream, with the verifier's id. */
const pathPattern = /^\/v1\/flowplate\/verifiers\/([0-9a-f-]{36})\/stream$/;

/** A line has some 60 bytes. */
const lineBytesMax = 1_024;

/** Lines that wait for the one before them to be answered. */
const waitingMax = 16;

/**
 * Shortest silence that ends a stream. A follower beats 15 times in a lease: every 8 s when that is
 * 120 s, the longest there is.
 */
const silenceMsMin = 15_000;

/** A follower that reads nothing is cut off, and comes again. */
const unreadBytesMax = 1_048_576;

const followerLine = z.union([
  z.strictObject({
    applied_seq: seq,
    beat: z.int().min(0).optional(),
    acknowledged_seq: seq.optional(),
  }),
  z.strictObject({ left: z.literal(true) }),
  z.strictObject({ alone: z.literal(true) }),
]);

const access = masterKey('keys:verify:embedded');

/** Whether an upgrade is meant for the stream. Others are ignored, as RFC 9110 §7.8 allows. */
export function isForHub({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && pathPattern.test(url);
}

export type OnUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * The stream of a verifier that holds its lease from this process: a WebSocket (RFC 6455), whose
 * messages are the lines of `domain/hub-lines.ts`. A WebSocket, because acknowledgements must reach
 * the process that told the change, through any load balancer, without a request for each.
 */
export function followHubUpgrades(parts: FollowHubParts): OnUpgrade {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: lineBytesMax,
    perMessageDeflate: false,
  });
  return (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    const exchange = upgradeExchange(parts, req, socket);
    void admit(parts, exchange).then(
      (principal) =>
        webSockets.handleUpgrade(req, socket, head, (webSocket) => {
          exchange.res().detachSocket(socket as Socket);
          follow(parts, webSocket, principal, req);
        }),
      (thrown: unknown) => answerProblem(parts, thrown, exchange, access.schemes),
    );
  };
}

/** The parser of an upgraded connection is gone: a refusal is written by a response of its own. */
function upgradeExchange(parts: FollowHubParts, req: IncomingMessage, socket: Duplex): HttpExchange {
  const res = new ServerResponse(req);
  const exchange = plainExchange(parts, req, nodeBodies(req, res));
  res.shouldKeepAlive = false;
  res.setHeader('x-request-id', exchange.requestId);
  res.assignSocket(socket as Socket);
  res.on('finish', () => socket.end());
  return exchange;
}

async function admit(parts: FollowHubParts, exchange: HttpExchange): Promise<MasterKeyPrincipal> {
  if (!hasOneHost(exchange.req)) throw new FlowplateError('INVALID_REQUEST');
  let known: Principal | undefined;
  try {
    const principal = await access.admit(parts, exchange, (caller) => {
      known = caller;
      exchange.onPrincipal(caller.id);
    });
    // A follower that comes now would have to leave at once.
    if (parts.isDraining()) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1 });
    return principal;
  } catch (thrown) {
    return noteRefusal(parts, { access, operationId: 'followHub' }, exchange, known, thrown);
  }
}

function follow(
  parts: FollowHubParts,
  webSocket: WebSocket,
  principal: MasterKeyPrincipal,
  { url = '' }: IncomingMessage,
): void {
  const [, verifierId = ''] = pathPattern.exec(url) ?? [];
  const stream = { send: (line: HubLine | string) => send(webSocket, line), close: () => webSocket.close() };
  listen(parts, webSocket, new Following(parts.following, principal, verifierId, stream));
}

function send(webSocket: WebSocket, line: HubLine | string): void {
  if (webSocket.bufferedAmount > unreadBytesMax) webSocket.terminate();
  else webSocket.send(typeof line === 'string' ? line : JSON.stringify(line));
}

/** Lines are heard one after another. One that is out of place ends the stream. */
function listen({ log }: FollowHubParts, webSocket: WebSocket, following: Following): void {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  // One that is silent for so long has no lease any more: its machine may be gone without a word.
  const silence = setTimeout(() => webSocket.terminate(), Math.max(following.leaseMs, silenceMsMin));
  webSocket.on('message', (data) => {
    silence.refresh();
    waiting += 1;
    if (waiting > waitingMax) return webSocket.terminate();
    last = last
      .then(() => following.hear(followerLine.parse(parseJson(String(data)))))
      .catch((thrown: unknown) => {
        log.debug({ err: thrown }, 'a verifier cannot follow');
        if (isForgotten(thrown)) send(webSocket, { end: 'forgotten' });
        webSocket.close();
      })
      .finally(() => {
        waiting -= 1;
      });
  });
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('close', () => {
    clearTimeout(silence);
    following.end();
  });
}

function isForgotten(thrown: unknown): boolean {
  return thrown instanceof FlowplateError && thrown.code === 'VERIFIER_NOT_FOUND';
}
