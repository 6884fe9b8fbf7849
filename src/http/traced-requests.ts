import type { IncomingMessage, RequestListener } from 'node:http';
import { authorizePath, isForAuthorize } from '../domain/forward-auth/authorize-path.ts';
import { pickHeaders } from '../domain/pick-headers.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { routes } from './routes.ts';

const headerNames = ['traceparent'];

/** Paths without a parameter: such a path is its own route, and no caller can put anything in. */
const fixedPaths: ReadonlySet<string> = new Set(
  routes.map(({ path }) => path).filter((path) => !path.includes(':')),
);

/**
 * Gives each request a span, which goes on with its caller's trace. A probe of `/health` gets one
 * only when its sender traces: an orchestrator would otherwise fill the traces with them.
 */
export function tracedRequests(tracing: Tracing, listener: RequestListener): RequestListener {
  return (req, res) => {
    const [traceparents = []] = pickHeaders(req.rawHeaders, headerNames);
    if (traceparents.length === 0 && isProbe(req)) {
      listener(req, res);
      return;
    }
    // Several are none (W3C Trace Context §3.2.2.1).
    const traceparent = traceparents.length === 1 ? traceparents[0] : undefined;
    const request = { req, res, traceparent, routeOf: () => routeOf(req) };
    tracing.request(request, () => listener(req, res));
  };
}

function isProbe({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/health/');
}

/**
 * The route's pattern, never the path. A door, and a refusal before Express, have no pattern of
 * Express.
 */
function routeOf(req: IncomingMessage & { route?: { path?: string } }): string | undefined {
  const { url = '', route } = req;
  if (route?.path !== undefined) return route.path;
  if (isForAuthorize(url)) return authorizePath;
  const [path = ''] = url.split('?', 1);
  return fixedPaths.has(path) ? path : undefined;
}
