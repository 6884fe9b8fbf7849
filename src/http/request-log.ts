import type { RequestHandler } from 'express';
import type { Log } from '../log.ts';
import { contextOf } from './request-context.ts';

export type RequestSeen = { method: string; route: string; status: number; seconds: number };

/**
 * Paths that are called so often that a line for each would cost more than the answer; they are
 * counted instead.
 */
const quietRoutes: readonly string[] = [
  '/v1/flowplate/api-keys/verify',
  '/v1/flowplate/api-keys/verify/batch',
  '/v1/flowplate/verifiers/:verifier_id/heartbeat',
  '/v1/flowplate/verifiers/:verifier_id/records',
  '/v1/flowplate/verifiers/:verifier_id/usage',
];

/**
 * One line for each finished request, and none for a verification or a health check that went well.
 * Never a header or a body.
 */
export function requestLog(log: Log, onRequest: (seen: RequestSeen) => void): RequestHandler {
  return (req, res, next) => {
    const startedMs = performance.now();
    res.on('close', () => {
      const ms = performance.now() - startedMs;
      // The route's pattern, not the path: ids in a metric's label would be without bound, and a
      // path may carry anything.
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
