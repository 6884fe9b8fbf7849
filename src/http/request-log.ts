import type { RequestHandler } from 'express';
import type { Log } from '../log.ts';
import { contextOf } from './request-context.ts';

export type RequestSeen = { method: string; route: string; status: number; seconds: number };

/** Frequent routes: a log line would cost more than the answer, so they are only counted. */
const quietRoutes: readonly string[] = [
  '/v1/flowplate/api-keys/verify',
  '/v1/flowplate/api-keys/verify/batch',
  '/v1/flowplate/verifiers/:verifier_id/heartbeat',
  '/v1/flowplate/verifiers/:verifier_id/records',
  '/v1/flowplate/verifiers/:verifier_id/usage',
];

/**
 * Access log: one line per finished request, except successful verifications and health checks.
 * Never a header or a body. Written by hand, since pino-http costs 30–60 µs a request.
 */
export function requestLog(log: Log, onRequest: (seen: RequestSeen) => void): RequestHandler {
  return (req, res, next) => {
    const startedMs = performance.now();
    res.on('close', () => {
      const ms = performance.now() - startedMs;
      // The route's pattern: a path contains ids, which would make the metric's label unbounded.
      const route = (req.route as { path?: string } | undefined)?.path ?? 'unmatched';
      onRequest({ method: req.method, route, status: res.statusCode, seconds: ms / 1_000 });
      const isQuiet = quietRoutes.includes(route) || route.startsWith('/health/');
      if (isQuiet && res.statusCode < 400) return;
      const { requestId, traceId, principalId } = contextOf(res);
      log.info(
        {
          method: req.method,
          route,
          status: res.statusCode,
          ms: Math.round(ms * 10) / 10,
          request_id: requestId,
          trace_id: traceId,
          principal_id: principalId,
          aborted: !res.writableFinished || undefined,
        },
        'request',
      );
    });
    next();
  };
}
