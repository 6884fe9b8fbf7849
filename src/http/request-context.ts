import type { RequestHandler, Response } from 'express';
import { encodeBase62, randomBase62 } from '../domain/base62.ts';
import type { RandomBytes } from '../domain/clock.ts';
import { idPrefixes } from '../domain/ids.ts';
import { pickHeaders } from '../domain/pick-headers.ts';
import { isSafeRequestId } from '../domain/request-id.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { RequestHead } from './request-head.ts';

/** Context of a request up to its log line, in `res.locals`. */
export type RequestContext = {
  requestId: string;
  /** Trace id, for the log. */
  traceId: string | undefined;
  /** Id of the authenticated caller, for the log. */
  principalId: string | undefined;
};

const traceparentPattern = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Stores the context in `res.locals` and sends the request id. */
export function requestContext(parts: RequestContextParts): RequestHandler {
  return (req, res, next) => {
    const requestId = requestIdFrom(req.headers['x-request-id'], parts.newRequestId);
    const context = contextOf(res);
    context.requestId = requestId;
    context.traceId = traceIdOf(parts, req);
    res.set('x-request-id', requestId);
    next();
  };
}

/**
 * The id of the trace that a request belongs to: ours where this process traces, else that of a
 * caller who does (`traceparent`, W3C Trace Context).
 */
export function traceIdOf(
  { tracing }: Pick<RequestContextParts, 'tracing'>,
  req: RequestHead,
): string | undefined {
  if (tracing !== undefined) return tracing.traceIdOf(req);
  return traceparentPattern.exec(String(req.headers.traceparent))?.[1];
}

export type RequestContextParts = { newRequestId: NewRequestId; tracing: Tracing | undefined };

export type NewRequestId = () => string;

const lastDigits = Array.from({ length: 62 ** 2 }, (_, value) => encodeBase62(value, 2));

/**
 * Generates unique, non-secret ids: a random process name and a counter, at a tenth of the cost of
 * random bytes.
 */
export function requestIds(randomBytes: RandomBytes): NewRequestId {
  const processName = randomBase62(randomBytes, 12);
  let count = 0;
  let start = '';
  return () => {
    const low = count % lastDigits.length;
    // The digits before the last two change once in 3,844 ids.
    if (low === 0) start = idPrefixes.request + processName + encodeBase62(count / lastDigits.length, 6);
    count++;
    return start + lastDigits[low];
  };
}

/** The caller's own `x-request-id` when it is safe, else a new one. */
export function requestIdFrom(sent: unknown, newRequestId: NewRequestId): string {
  return isSafeRequestId(sent) ? sent : newRequestId();
}

/** The same for a request outside of Express. Sent twice it is nobody's. */
export function readRequestId({ rawHeaders }: RequestHead, newRequestId: NewRequestId): string {
  const [[sent, ...more] = []] = pickHeaders(rawHeaders, ['x-request-id']);
  return requestIdFrom(more.length > 0 ? undefined : sent, newRequestId);
}

/** Typed access; Express declares `locals` as untyped. */
export function contextOf(res: Response): RequestContext {
  return res.locals as RequestContext;
}
