import type { IncomingMessage, ServerResponse } from 'node:http';
import { isForAuthorize } from '../../domain/forward-auth/authorize-path.ts';
import type { AppParts } from '../app.ts';
import { nodeBodies } from '../exchange.ts';
import type { Route } from '../route.ts';
import { wholeSender } from '../send-whole.ts';
import { authorize } from './authorize.ts';
import { serveFast } from './serve-fast.ts';
import { verifyBatchRoute } from './verify-batch.ts';
import { verifyKeyRoute } from './verify-key.ts';

/** Answers the request and returns true, if it is for a fast endpoint. */
export type Doors = (req: IncomingMessage, res: ServerResponse) => boolean;

/**
 * Fast endpoints on node:http: served before Express, chosen by exact URL. They get what the fast
 * lane has handed over. A URL with a query, or another method, goes to Express.
 */
export function verifyDoors(parts: AppParts): Doors {
  const routes = new Map<string | undefined, Route<AppParts>>([
    [verifyKeyRoute.path, verifyKeyRoute],
    [verifyBatchRoute.path, verifyBatchRoute],
  ]);
  return (req, res) => {
    if (isForAuthorize(req.url ?? '')) {
      authorize(parts, { req, send: wholeSender(req, res) });
      return true;
    }
    const route = req.method === 'POST' ? routes.get(req.url) : undefined;
    if (route === undefined) return false;
    serveFast(parts, route, req, nodeBodies(req, res));
    return true;
  };
}
