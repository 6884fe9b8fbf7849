import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RefusalPace } from './refusal-pace.ts';

/** An answer that is there as a whole. `headers` are names and values in one flat list. */
export type WholeAnswer = {
  status: number;
  /** Before `headers`: those that many answers share. */
  shared?: SharedHeaders | undefined;
  headers: string[];
  body: string;
  /** Length of the body in UTF-8, as `Content-Length` says. */
  bodyBytes: number;
  /** Slows down a refusal that strangers can ask for repeatedly. */
  pace?: RefusalPace | undefined;
  /** Says `Connection: close`, and means it. */
  isClosing?: boolean;
};

/** A list for node:http, and text that is made once for the fast lane. */
export type SharedHeaders = { headerList(): string[]; readonly headerText: string };

export type SendWhole = (answer: WholeAnswer) => void;

/** For answers that do not name the request themselves. */
export function withRequestId(requestId: string, send: SendWhole): SendWhole {
  return (answer) => send({ ...answer, headers: ['x-request-id', requestId, ...answer.headers] });
}

/**
 * Sends through node:http. All headers are one flat list, of which Node builds no object unless one
 * was set before, as Express does. An answer that has begun cannot be taken back: its connection is
 * closed.
 */
export function wholeSender(req: IncomingMessage, res: ServerResponse): SendWhole {
  return ({ status, shared, headers, body, bodyBytes, pace, isClosing }) => {
    if (res.headersSent) {
      req.destroy();
      return;
    }
    if (isClosing) headers.push('Connection', 'close');
    res.writeHead(status, shared === undefined ? headers : [...shared.headerList(), ...headers]);
    if (pace !== undefined) pace.end(res, body);
    // ASCII text has the same bytes in Latin-1, which is copied instead of encoded.
    else res.end(body, bodyBytes === body.length ? 'latin1' : 'utf8');
  };
}
