import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AppParts } from '../app.ts';
import { answerProblem } from '../problem.ts';
import { requestIdFrom } from '../request-context.ts';
import { securityHeaders } from '../security-headers.ts';
import { wholeSender } from '../send-whole.ts';
import { createSessionRoute } from './create-session.ts';
import { logInRoute } from './log-in.ts';

const paths: readonly (string | undefined)[] = [logInRoute.path, createSessionRoute.path];

/**
 * Answers 429 and returns true when all hashing slots are taken: the same `TOO_MANY_ATTEMPTS` as
 * the route's. Before Express and the body, because a flood of logins costs the event loop of
 * verification.
 */
export function loginFloodGuard(parts: AppParts): (req: IncomingMessage, res: ServerResponse) => boolean {
  return (req, res) => {
    if (req.method !== 'POST' || !paths.includes(req.url)) return false;
    try {
      parts.passwordHashing.requireRoom();
      return false;
    } catch (thrown) {
      const requestId = requestIdFrom(req.headers['x-request-id'], parts.newRequestId);
      res.setHeader('x-request-id', requestId);
      securityHeaders(req, res, () => undefined);
      answerProblem(parts, thrown, {
        req,
        send: wholeSender(req, res),
        requestId,
        isCallerKnown: () => false,
      });
      const [method, route, status] = [req.method, req.url ?? '', res.statusCode];
      parts.onRequest({ method, route, status, seconds: 0 });
      parts.log.info({ method, route, status, request_id: requestId }, 'request');
      return true;
    }
  };
}
