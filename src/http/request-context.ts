import type { RequestHandler, Response } from 'express';
import { encodeBase62, randomBase62 } from '../domain/base62.ts';
import type { RandomBytes } from '../domain/clock.ts';
import { idPrefixes } from '../domain/ids.ts';
import { isSafeRequestId } from '../domain/request-id.ts';

/** What accompanies a request from its first step to its log line, in `res.locals`. */
export type RequestContext = {
  requestId: string;
  /** From a valid `traceparent` (W3C Trace Context), for the log. */
  traceId: string | undefined;
  /** Who it was, once that is known; for the log. */
  principalId: string | undefined;
};

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Puts the context into `res.locals` and the id into the answer. */
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
 * Unique, and no secret: a random name for the process and a running number, at a tenth of the cost
 * of new random bytes.
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

/** The same object with its type; Express itself knows `locals` only as a bag. */
export function contextOf(res: Response): RequestContext {
  return res.locals as RequestContext;
}
