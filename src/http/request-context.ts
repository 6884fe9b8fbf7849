import type { RequestHandler, Response } from 'express';
import { randomBase62 } from '../domain/base62.ts';
import type { RandomBytes } from '../domain/clock.ts';
import { idPrefixes } from '../domain/ids.ts';

/** What accompanies a request from its first step to its log line, in `res.locals`. */
export type RequestContext = {
  requestId: string;
  /** From a valid `traceparent` (W3C Trace Context), for the log. */
  traceId: string | undefined;
  /** Who it was, once that is known; for the log. */
  principalId: string | undefined;
};

/** The same object with its type; Express itself knows `locals` only as a bag. */
export function contextOf(res: Response): RequestContext {
  return res.locals as RequestContext;
}

const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Echoes the caller's `x-request-id` when it is safe in a header and a log line, else makes one. */
export function requestContext(randomBytes: RandomBytes): RequestHandler {
  return (req, res, next) => {
    const sent = req.get('x-request-id');
    const requestId =
      sent !== undefined && requestIdPattern.test(sent)
        ? sent
        : idPrefixes.request + randomBase62(randomBytes, 20);
    const context = contextOf(res);
    context.requestId = requestId;
    context.traceId = traceparentPattern.exec(req.get('traceparent') ?? '')?.[1];
    res.set('x-request-id', requestId);
    next();
  };
}
