import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { tryMaybe } from '../concurrency/maybe-later.ts';
import { FlowplateError } from '../domain/errors.ts';
import { isReservedWord } from '../domain/ids.ts';
import type { DatabaseHistory } from '../revocation/database-history.ts';
import type { ReadAddress } from './caller-address.ts';
import { docsPage } from './docs-page.ts';
import { fromExpress } from './exchange.ts';
import { type HealthParts, healthChecks } from './health.ts';
import { keyPatternsPage } from './key-patterns.ts';
import { portalPages } from './portal-pages.ts';
import { answerProblem, type ProblemParts } from './problem.ts';
import type { RefusalPace } from './refusal-pace.ts';
import { contextOf, type RequestContextParts, requestContext } from './request-context.ts';
import { type RequestSeen, requestLog } from './request-log.ts';
import { hasOneHost, hasOneReading } from './request-target.ts';
import type { Route, RouteParts } from './route.ts';
import { byPath, type PathRoutes } from './route-order.ts';
import { type ApiParts, routes } from './routes.ts';
import { securityHeaders } from './security-headers.ts';
import { wholeSender } from './send-whole.ts';
import { type SignInParts, signInPages } from './sessions/sign-in-pages.ts';
import type { FollowHubParts } from './verifiers/follow-hub.ts';
import { serveMetered } from './verify/serve-metered.ts';

export type AppParts = ApiParts &
  RouteParts &
  HealthParts &
  ProblemParts &
  SignInParts &
  Pick<FollowHubParts, 'following'> &
  RequestContextParts & {
    /** Refuses every call while the database is held. */
    history: Pick<DatabaseHistory, 'requireFree'>;
    /** Directory of the built portal. */
    portalDirectory: string;
    readAddress: ReadAddress;
    isFastLaneOn: boolean;
    onRequest: (seen: RequestSeen) => void;
    /** For large and public files. */
    documentPace: RefusalPace;
  };

export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  // A proxy rule for `/users` must cover all of it, so `/Users` and `/users/` are not found.
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.use(requestContext(parts), requestLog(parts.log, parts.onRequest), securityHeaders, requireOneReading);
  const health = healthChecks(parts);
  app.get('/health/live', health.live);
  app.get('/health/ready', health.ready);
  app.get('/health/verify', health.verify);
  app.use(docsPage(parts.documentPace));
  app.use(keyPatternsPage(parts.documentPace));
  app.use(signInPages(parts));
  app.use(portalPages(parts.portalDirectory));
  app.use((_req, _res, next) => {
    parts.history.requireFree();
    next();
  });
  for (const group of byPath(routes)) addPath(app, parts, group);
  app.use(() => {
    throw new FlowplateError('ROUTE_NOT_FOUND');
  });
  app.use(problemHandler(parts));
  return app;
}

/** Refuses a request that a proxy may have parsed differently. */
const requireOneReading: RequestHandler = (req, _res, next) => {
  if (!hasOneHost(req)) throw new FlowplateError('INVALID_REQUEST');
  if (!hasOneReading(req.url)) throw new FlowplateError('ROUTE_NOT_FOUND');
  next();
};

/** Routes of one path, one per method. Other methods get 405 with the list of these. */
function addPath(app: Express, parts: AppParts, { path, routes: group }: PathRoutes<AppParts>): void {
  const place = app.route(path).all(refuseReservedWords);
  for (const route of group) place[route.method](handler(parts, route));
  place.all(methodNotAllowed(group.map(({ method }) => method.toUpperCase())));
}

/**
 * Answers 404 for a reserved word in the place of an id, in any case and encoding. A proxy that
 * folds case or decodes would take such a path for another route.
 */
const refuseReservedWords: RequestHandler = ({ params }, _res, next) => {
  const [name] = Object.entries(params).find(([, value]) => isReservedWord(String(value))) ?? [];
  if (name === undefined) return next();
  throw new FlowplateError('ROUTE_NOT_FOUND', { systemMessage: `${name}: is a reserved word` });
};

function handler(parts: AppParts, route: Route<AppParts>): RequestHandler {
  return async (req, res) => {
    const exchange = fromExpress(req, res, parts.readAddress);
    await tryMaybe(
      () => serveMetered(parts, route, exchange),
      (thrown) => void answerProblem(parts, thrown, exchange, route.access.schemes),
    );
  };
}

function problemHandler(parts: ProblemParts): ErrorRequestHandler {
  return (thrown, req, res, _next) => {
    const { requestId } = contextOf(res);
    answerProblem(parts, thrown, { req, send: wholeSender(req, res), requestId, isCallerKnown: () => false });
  };
}

function methodNotAllowed(methods: string[]): RequestHandler {
  return (_req, res) => {
    res.set('Allow', methods.join(', '));
    throw new FlowplateError('METHOD_NOT_ALLOWED');
  };
}
