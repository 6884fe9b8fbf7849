import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { FlowplateError } from '../domain/errors.ts';
import type { Log } from '../log.ts';
import type { ReadAddress } from './caller-address.ts';
import { docsPage } from './docs-page.ts';
import { fromExpress } from './exchange.ts';
import { type HealthParts, live, ready } from './health.ts';
import { portalPages } from './portal/portal-pages.ts';
import { answerProblem } from './problem.ts';
import { contextOf, type NewRequestId, requestContext } from './request-context.ts';
import { type RequestSeen, requestLog } from './request-log.ts';
import { type Route, type RouteParts, serve } from './route.ts';
import { type ApiParts, routes } from './routes.ts';

export type AppParts = ApiParts &
  RouteParts &
  HealthParts & {
    log: Log;
    /** Where the built portal lies. */
    portalDirectory: string;
    newRequestId: NewRequestId;
    readAddress: ReadAddress;
    onRequest: (seen: RequestSeen) => void;
  };

export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(
    requestContext(parts.newRequestId),
    requestLog(parts.log, parts.onRequest),
    helmet(),
    closeWhenDraining(parts),
  );
  app.get('/health/live', live());
  app.get('/health/ready', ready(parts));
  app.use(docsPage(routes));
  app.use(portalPages(parts.portalDirectory));
  for (const route of routes) app[route.method](route.path, handler(parts, route));
  for (const [path, methods] of methodsByPath()) app.all(path, methodNotAllowed(methods));
  app.use(() => {
    throw new FlowplateError('ROUTE_NOT_FOUND');
  });
  app.use(problemHandler(parts.log));
  return app;
}

function handler(parts: AppParts, route: Route<AppParts>): RequestHandler {
  return (req, res) => serve(parts, route, fromExpress(req, res, parts.readAddress));
}

function problemHandler(log: Log): ErrorRequestHandler {
  return (thrown, req, res, _next) =>
    answerProblem(log, thrown, { req, res, requestId: contextOf(res).requestId });
}

function methodsByPath(): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    methods.set(route.path, [...(methods.get(route.path) ?? []), route.method.toUpperCase()]);
  }
  return methods;
}

function methodNotAllowed(methods: string[]): RequestHandler {
  return (_req, res) => {
    res.set('Allow', methods.join(', '));
    throw new FlowplateError('METHOD_NOT_ALLOWED');
  };
}

/** Tells keep-alive clients to leave while the process still answers, so that none of them sends into a closed connection. */
function closeWhenDraining({ isDraining }: HealthParts): RequestHandler {
  return (_req, res, next) => {
    if (isDraining()) res.set('Connection', 'close');
    next();
  };
}
