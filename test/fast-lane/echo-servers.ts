import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { pickHeaders } from '../../src/domain/pick-headers.ts';
import type { Endpoint } from '../../src/fast-lane/endpoint.ts';
import { FastLaneServer } from '../../src/fast-lane/fast-lane-server.ts';
import type { LaneOptions } from '../../src/fast-lane/lane.ts';
import type { LaneAnswer } from '../../src/fast-lane/lane-request.ts';

/** Headers that the echo tells. A request whose `X-Key` has the word `later` is answered later. */
const headerNames = ['x-key', 'accept', 'x-forwarded-for', 'content-type'];

/** The path of the GET, which is answered before a body is read, as forward auth is. */
const getPath = '/ask';
const postPath = '/tell';

/** Requests that a lane has answered itself. */
export const seen = { byLane: 0 };

type Sent = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;

/** Tells what was understood of a request, down to the bytes of its body. */
function echo({ method, url, rawHeaders }: Sent, body: Buffer): LaneAnswer {
  const text = JSON.stringify({
    method,
    url,
    headers: pickHeaders(rawHeaders, headerNames),
    body: body.toString('latin1'),
  });
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text))];
  return { status: 200, headers, body: text, isAscii: Buffer.byteLength(text) === text.length };
}

function answerInTime({ rawHeaders }: Sent, answer: () => void): void {
  const isLate = pickHeaders(rawHeaders, ['x-key']).flat().includes('later');
  if (isLate) setImmediate(answer);
  else answer();
}

function endpoint(method: Endpoint['method'], path: string): Endpoint {
  const isGet = method === 'GET';
  return {
    method,
    path,
    takesQuery: isGet,
    bodyBytesMax: isGet ? 0 : 8_192,
    headerNames,
    answer: (req) =>
      answerInTime(req, () => {
        seen.byLane++;
        req.send(echo(req, req.body));
      }),
  };
}

const listener: RequestListener = (req, res) => {
  const send = (body: Buffer, more: string[] = []) =>
    answerInTime(req, () => {
      const { status, headers, body: text } = echo(req, body);
      res.writeHead(status, [...headers, ...more]);
      res.end(text);
    });
  if (req.method === 'GET' && req.url?.split('?')[0] === getPath) {
    send(Buffer.alloc(0), announcesBody(req) ? ['Connection', 'close'] : []);
    return;
  }
  const chunks: Buffer[] = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => send(Buffer.concat(chunks)));
};

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

const settings = { keepAliveTimeout: 5_000, maxHeaderSize: 16_384 };

export function plainServer(): Server {
  return createServer(settings, listener);
}

export function laneServer(options: Partial<LaneOptions> = {}): FastLaneServer {
  return new FastLaneServer(settings, listener, {
    endpoints: [endpoint('GET', getPath), endpoint('POST', postPath)],
    isOpen: () => true,
    firstByteMsMax: 5_000,
    idleMsMax: 120_000,
    keepAliveSeconds: 5,
    ...options,
  });
}
