import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import { type ErrorCode, FlowplateError } from '../domain/errors.ts';
import { type Idempotency, idempotencyKeyLengthMax, newIdempotency } from '../domain/idempotency.ts';
import type { Keyring } from '../domain/key-digest.ts';
import { type Caller, organizationOf, type Principal, queueOf } from '../domain/principal.ts';
import { acceptedType } from './accepted-type.ts';
import type { Access } from './access/access.ts';
import { pageOrigin } from './access/own-page.ts';
import type { HttpExchange } from './exchange.ts';
import {
  bodyBytesMax,
  isMergePatch,
  readJsonBody,
  readPatchBody,
  strangersBodyBytesMax,
} from './read-body.ts';
import { type Answer, type LinesAnswer, linesMediaType, sendAnswer } from './send-answer.ts';
import { validate } from './validate.ts';

type Shape = z.ZodType;

export type Input<P extends Shape, Q extends Shape, B extends Shape, C extends Principal> = {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  caller: Caller<C>;
  /** Only on routes that declare it, and only when the caller sent an Idempotency-Key. */
  idempotency: Idempotency | undefined;
  /** The caller's address, or what a trusted proxy says it is. */
  ip: () => string | undefined;
  /** The address of the portal's own page that sent this; undefined for everything else. */
  pageOrigin: () => URL | undefined;
  /** Aborts when nobody waits for the answer any more; for an operation that waits. */
  left: () => AbortSignal;
};

/**
 * One operation: what it is called, who may call it, what goes in and out, and what it does.
 * Validation, types and document in one.
 */
export type RouteDefinition<
  Parts,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  R extends Shape,
  AccessParts,
  C extends Principal,
> = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Express's spelling: `/api-keys/:key_id`. */
  path: string;
  operationId: string;
  summary: string;
  description: string;
  access: Access<AccessParts, C>;
  params: P;
  query: Q;
  body: B;
  /** JSON unless a standard wants a form. A PATCH takes `application/merge-patch+json` as well. */
  bodyFormat?: 'form';
  /** The body as a merge patch, for a route whose members have members; otherwise it is `body`. */
  mergePatchBody?: z.ZodType<z.output<B>>;
  /** Each status that is a success, with what it means; all of them have the shape `answer`. */
  success: Record<number, string>;
  answer: R;
  /** JSON unless the answer is one `answer` a line. */
  answerFormat?: 'lines';
  /** What can go wrong besides what can go wrong everywhere. */
  errors: readonly ErrorCode[];
  /** The answer carries a secret that a repeated request may ask for again. */
  idempotent?: true;
  handle(parts: Parts, input: Input<P, Q, B, C>): Promise<Answer<R> | LinesAnswer<R>>;
};

// biome-ignore lint/suspicious/noExplicitAny: a list of routes has a different shape in each; each was checked where it was defined
export type Route<Parts> = RouteDefinition<Parts, any, any, any, any, any, any>;

export function defineRoute<
  Parts,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  R extends Shape,
  AccessParts,
  C extends Principal,
>(
  definition: RouteDefinition<Parts, P, Q, B, R, AccessParts, C>,
): RouteDefinition<Parts, P, Q, B, R, AccessParts, C> {
  return definition;
}

export type RouteParts = {
  keyring: Keyring;
  /** Callers take turns at reading: lists and exports by one of them wait behind each other. */
  reads: FairBulkhead;
  /** Writes down that somebody known was refused. */
  noteRefusal(refusal: Refusal): Promise<void>;
};

export type Refusal = { caller: Caller<Principal>; operationId: string; code: ErrorCode };

/**
 * What happens to every request, in this order: nothing of a body is read before it is known who
 * sends it and that they may.
 */
export async function serve<Parts extends RouteParts>(
  parts: Parts,
  route: Route<Parts>,
  exchange: HttpExchange,
): Promise<void> {
  let known: Principal | undefined;
  const onKnown = (principal: Principal) => {
    known = principal;
    exchange.onPrincipal(principal.id);
  };
  try {
    const principal = await route.access.admit(parts, exchange, onKnown);
    await answerTo(principal, parts, route, exchange);
  } catch (error) {
    if (known !== undefined && route.access.areRefusalsAudited && isRefusal(error)) {
      const caller = { principal: known, requestId: exchange.requestId };
      await parts.noteRefusal({ caller, operationId: route.operationId, code: error.code });
    }
    throw error;
  }
}

async function answerTo<Parts extends RouteParts>(
  principal: Principal,
  parts: Parts,
  route: Route<Parts>,
  { req, res, requestId, ...exchange }: HttpExchange,
): Promise<void> {
  if (route.method === 'get') {
    requireAcceptable(req, route.answerFormat === 'lines' ? linesMediaType : 'application/json');
  }
  const params = validate(route.params, exchange.params);
  const query = validate(route.query, exchange.query);
  const sent = await readSent(route, { req, ...exchange });
  const body = validate((isMergePatch(req) && route.mergePatchBody) || route.body, sent);
  const idempotency =
    route.idempotent && readIdempotency(parts.keyring, principal, req, { route, params, body: sent });
  const caller = { principal, requestId };
  const left = () => leftSignal(res);
  const input = {
    ...{ params, query, body, caller, idempotency, left },
    ip: exchange.ip,
    pageOrigin: () => pageOrigin(req),
  };
  const handle = () => route.handle(parts, input);
  const answer = await (route.method === 'get' ? parts.reads.run(queueOf(principal), handle) : handle());
  await sendAnswer(res, answer);
}

function readSent<Parts>(
  { bodyFormat, method }: Route<Parts>,
  { req, form, isCallerKnown }: Pick<HttpExchange, 'req' | 'form' | 'isCallerKnown'>,
): Promise<unknown> {
  if (bodyFormat === 'form') return form();
  const bytesMax = isCallerKnown() ? bodyBytesMax : strangersBodyBytesMax;
  return method === 'patch' ? readPatchBody(req, bytesMax) : readJsonBody(req, bytesMax);
}

const refusalCodes: readonly ErrorCode[] = ['INSUFFICIENT_PERMISSIONS', 'SELF_ACTION_FORBIDDEN'];

function isRefusal(error: unknown): error is FlowplateError {
  return error instanceof FlowplateError && refusalCodes.includes(error.code);
}

function leftSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.closed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}

/**
 * Only a GET is refused: a change, above all a revoke, is carried out and answered in JSON.
 * RFC 9110 §12.4.1 allows that.
 */
function requireAcceptable(req: IncomingMessage, mediaType: string): void {
  if (acceptedType(req, [mediaType, 'application/problem+json']) === false) {
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
  const inside = organizationOf(principal);
  const who = inside === null ? principal.id : `${principal.id} in ${inside}`;
  const scope = `${who} ${route.operationId} ${JSON.stringify(params)}`;
  return newIdempotency(keyring, { scope, key, body });
}
