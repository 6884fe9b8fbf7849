import type { RequestHandler, Response } from 'express';
import { encodeBase62, randomBase62 } from '../domain/base62.ts';
import type { RandomBytes } from '../domain/clock.ts';
import { idPrefixes } from '../domain/ids.ts';
import { isSafeRequestId } from '../domain/request-id.ts';

/** Context of a request up to its log line, in `res.locals`. */
export type RequestContext = {
  requestId: string;
  /** Trace id from a valid `traceparent` (W3C Trace Context), for the log. */
  traceId: string | undefined;
  /** Id of the authenticated caller, for the log. */
  principalId: string | undefined;
};

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Stores the context in `res.locals` and sends the request id. */
export function requestContext(newRequestId: NewRequestId): RequestHandler {
  return (req, res, next) => {
    const requestId = requestIdFrom(req.headers['x-request-id'], newRequestId);
    const context = contextOf(res);
    context.requestId = requestId;
    context.traceId = traceparentPattern.exec(req.get('traceparent') ?? '')?.[1];
    res.set('x-request-id', requestId);
    next();
  };
}

export type NewRequestId = () => string;

/**
 * Generates unique, non-secret ids: a random process name and a counter, at a tenth of the cost of
 * random bytes.
 */
export function requestIds(randomBytes: RandomBytes): NewRequestId {
  const processName = randomBase62(randomBytes, 12);
  let count = 0;
  return () => idPrefixes.request + processName + encodeBase62(count++, 8);
}

/** The caller's own `x-request-id` when it is safe, else a new one. */
export function requestIdFrom(sent: unknown, newRequestId: NewRequestId): string {
  return isSafeRequestId(sent) ? sent : newRequestId();
}

/** Typed access; Express declares `locals` as untyped. */
export function contextOf(res: Response): RequestContext {
  return res.locals as RequestContext;
}
