import type { IncomingMessage, ServerResponse } from 'node:http';
import accepts from 'accepts';
import type { z } from 'zod';
import { type ErrorCode, FlowplateError } from '../domain/errors.ts';
import { type Idempotency, idempotencyKeyLengthMax, newIdempotency } from '../domain/idempotency.ts';
import type { Keyring } from '../domain/key-digest.ts';
import type { MasterKeyPermission } from '../domain/permission.ts';
import { type Caller, type Principal, requirePermission } from '../domain/principal.ts';
import type { MasterKeys } from '../verify/master-keys.ts';
import { authenticate } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import { readFormBody, readJsonBody } from './read-body.ts';
import { validate } from './validate.ts';

type Shape = z.ZodType;

export type Input<P extends Shape, Q extends Shape, B extends Shape> = {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  caller: Caller;
  /** Only on routes that declare it, and only when the caller sent an Idempotency-Key. */
  idempotency: Idempotency | undefined;
  /** Aborts when nobody waits for the answer any more; for an operation that waits. */
  left: () => AbortSignal;
};

export type Answer<R extends Shape> = { status: number; body: z.input<R>; headers?: Record<string, string> };

/** One operation: what it is called, who may call it, what goes in and out, and what it does. Validation, types and document in one. */
export type RouteDefinition<Parts, P extends Shape, Q extends Shape, B extends Shape, R extends Shape> = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** Express's spelling: `/api-keys/:key_id`. */
  path: string;
  operationId: string;
  summary: string;
  description: string;
  access: MasterKeyPermission;
  params: P;
  query: Q;
  body: B;
  /** JSON unless a standard wants a form. */
  bodyFormat?: 'form';
  /** Each status that is a success, with what it means; all of them have the shape `answer`. */
  success: Record<number, string>;
  answer: R;
  /** What can go wrong besides what can go wrong everywhere. */
  errors: readonly ErrorCode[];
  /** The answer carries a secret that a repeated request may ask for again. */
  idempotent?: true;
  handle(parts: Parts, input: Input<P, Q, B>): Promise<Answer<R>>;
};

// biome-ignore lint/suspicious/noExplicitAny: a list of routes has a different shape in each; each was checked where it was defined
export type Route<Parts> = RouteDefinition<Parts, any, any, any, any>;

export function defineRoute<Parts, P extends Shape, Q extends Shape, B extends Shape, R extends Shape>(
  definition: RouteDefinition<Parts, P, Q, B, R>,
): RouteDefinition<Parts, P, Q, B, R> {
  return definition;
}

export type RouteParts = { masterKeys: Pick<MasterKeys, 'identify'>; keyring: Keyring };

/** What happens to every request, in this order: nothing of a body is read before it is known who sends it and that they may. */
export async function serve<Parts extends RouteParts>(
  parts: Parts,
  route: Route<Parts>,
  exchange: Exchange,
): Promise<void> {
  const { req, res, requestId } = exchange;
  const principal = await authenticate(parts.masterKeys, exchange);
  exchange.onPrincipal(principal.id);
  requirePermission(principal, route.access);
  requireAcceptable(req);
  const params = validate(route.params, exchange.params);
  const query = validate(route.query, exchange.query);
  const sent = await (route.bodyFormat === 'form' ? readFormBody(req) : readJsonBody(req));
  const body = validate(route.body, sent);
  const idempotency =
    route.idempotent && readIdempotency(parts.keyring, principal, req, { route, params, body: sent });
  const caller = { principal, requestId };
  const left = () => leftSignal(res);
  const answer = await route.handle(parts, { params, query, body, caller, idempotency, left });
  if (answer.status === 204) sendNothing(res);
  else sendJson(res, answer);
}

function leftSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.closed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}

function requireAcceptable(req: IncomingMessage): void {
  const accept = req.headers.accept;
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return;
  if (!accepts(req).types(['application/json', 'application/problem+json'])) {
    throw new FlowplateError('NOT_ACCEPTABLE');
  }
}

/** The path's decoded parameters, not its spelling: `usr%5F1` and `usr_1` are the same request. */
function readIdempotency(
  keyring: Keyring,
  principal: Principal,
  req: IncomingMessage,
  { route, params, body }: { route: { operationId: string }; params: unknown; body: unknown },
): Idempotency | undefined {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length === 0 || key.length > idempotencyKeyLengthMax) {
    throw new FlowplateError('VALIDATION_ERROR', {
      details: [{ path: 'Idempotency-Key', message: `must have 1 to ${idempotencyKeyLengthMax} characters` }],
    });
  }
  const scope = `${principal.id} ${route.operationId} ${JSON.stringify(params)}`;
  return newIdempotency(keyring, { scope, key, body });
}

function sendJson(res: ServerResponse, { status, body, headers }: Answer<Shape>): void {
  const text = JSON.stringify(body);
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, value);
  res.end(text);
}

function sendNothing(res: ServerResponse): void {
  res.statusCode = 204;
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}
