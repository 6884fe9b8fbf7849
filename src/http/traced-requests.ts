import type { IncomingMessage, RequestListener } from 'node:http';
import type { Tracing } from '../tracing/tracing.ts';
import { routes } from './routes.ts';
import { authorizePath, isForAuthorize } from './verify/authorize.ts';

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
    if (isUntracedProbe(req)) listener(req, res);
    else
      tracing.request(
        req,
        res,
        () => routeOf(req),
        () => listener(req, res),
      );
  };
}

function isUntracedProbe({ url = '', headers }: IncomingMessage): boolean {
  return url.startsWith('/health/') && headers.traceparent === undefined;
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
