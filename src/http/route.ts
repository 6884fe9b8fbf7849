import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import { type MaybeLater, mapMaybe, tryMaybe } from '../concurrency/maybe-later.ts';
import { clientAddressHeader } from '../domain/client-address-header.ts';
import { type ErrorCode, FlowplateError, type LimitState } from '../domain/errors.ts';
import {
  type Idempotency,
  idempotencyKeyLengthMax,
  newIdempotency,
  newLineIdempotency,
} from '../domain/idempotency.ts';
import type { Keyring } from '../domain/key-digest.ts';
import { type Caller, organizationOf, type Principal, queueOf } from '../domain/principal.ts';
import type { SessionClient } from '../domain/session.ts';
import { readUserAgent } from '../domain/user-agent.ts';
import type { VerificationEndpoint } from '../domain/verification.ts';
import { acceptedType } from './accepted-type.ts';
import type { Access } from './access/access.ts';
import { notePresentedKeys, type PresentedKeyParts } from './access/note-presented-keys.ts';
import { pageOrigin } from './access/own-page.ts';
import { type HttpExchange, noInput } from './exchange.ts';
import type { LinesAtOnce } from './lines-at-once.ts';
import type { ErrorEnvelope, ProblemParts } from './problem.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import {
  bodyBytesMax,
  isMergePatch,
  linesMediaType,
  readJsonBody,
  readPatchBody,
  strangersBodyBytesMax,
  strangersMembersMax,
} from './read-body.ts';
import { type LinesWork, receiveLines } from './receive-lines.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';
import type { RequestLimits } from './request-limits.ts';
import { type Answer, type CsvAnswer, csvMediaType, type LinesAnswer, sendAnswer } from './send-answer.ts';
import { validate } from './validate.ts';

type Shape = z.ZodType;

export type Input<P extends Shape, Q extends Shape, B extends Shape, C extends Principal> = {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  caller: Caller<C>;
  /** Whether a route with `csv` is asked for it. */
  wantsCsv: boolean;
  /** Whether a route with `alsoLines` is asked for them. */
  wantsLines: boolean;
  /** Set on routes that declare it, when the caller sent an Idempotency-Key. */
  idempotency: Idempotency | undefined;
  /** Caller's address, as reported by trusted proxies. */
  ip: () => string | undefined;
  /** Address of the end client that an embedded verifier asks for, as it names it. */
  endClientAddress: () => string | undefined;
  /** The client behind a log-in: its address and its User-Agent. */
  client: () => SessionClient;
  /** Origin of the portal's page that sent this; undefined otherwise. */
  pageOrigin: () => URL | undefined;
  /** Aborts when the client disconnects; for long polls. */
  signal: () => AbortSignal;
  /** For a route with a body of lines: answers each of them (define-lines-route.ts). */
  answerLines: AnswerLines<z.output<B>>;
};

type AnswerLines<B> = <A>(work: LinesWork<B, A>) => AsyncGenerator<readonly (A | ErrorEnvelope)[]>;

/**
 * Definition of one operation: name, access, input, output and handler. Validation, types and API
 * document come from it.
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
  /** Express syntax: `/api-keys/:key_id`. */
  path: string;
  operationId: string;
  summary: string;
  /** Gateways verify keys here: requests are counted and timed by this name. */
  endpoint?: VerificationEndpoint;
  description: string;
  access: Access<AccessParts, C>;
  params: P;
  query: Q;
  body: B;
  /**
   * JSON by default; a form where a standard requires it; `lines` is one `body` per line. A PATCH
   * also takes `application/merge-patch+json`.
   */
  bodyFormat?: 'form' | 'lines';
  /** Schema of a merge patch, for a route with nested members; `body` by default. */
  mergePatchBody?: z.ZodType<z.output<B>>;
  /** Success statuses with their meaning; all have the shape `answer`. */
  success: Record<number, string>;
  answer: R;
  /** JSON by default; `lines` is one `answer` per line. */
  answerFormat?: 'lines';
  /** It has a second form, `text/csv`, for who prefers it by `Accept`. */
  csv?: true;
  /** It has a second form, one value a line, for who prefers it by `Accept`. */
  alsoLines?: true;
  /** A GET that waits. It takes turns at reading by itself, and not for its whole time. */
  isLongPoll?: true;
  /** Error codes in addition to the common ones. */
  errors: readonly ErrorCode[];
  /** The answer has a secret, which a repeated request gets again. */
  idempotent?: true;
  handle(parts: Parts, input: Input<P, Q, B, C>): MaybeLater<Answer<R> | LinesAnswer<R> | CsvAnswer>;
};

// biome-ignore lint/suspicious/noExplicitAny: a list of routes has a different shape in each; each was checked where it was defined
export type Route<Parts> = RouteDefinition<Parts, any, any, any, any, any, any>;

type AnyInput = Parameters<Route<RouteParts>['handle']>[1];

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
  managementLimits: RequestLimits;
  /** Audits the refusal of a known caller. */
  noteRefusal(refusal: Refusal): Promise<void>;
  linesAtOnce: LinesAtOnce;
} & PresentedKeyParts &
  Pick<ProblemParts, 'log' | 'tracing'>;

/**
 * Handles every request in four steps: authenticate and authorize, read the body, handle, send. The
 * body is read only for authorized callers. A step whose result is in memory makes no promise.
 */
export function serve<Parts extends RouteParts>(
  parts: Parts,
  route: Route<Parts>,
  exchange: HttpExchange,
): MaybeLater<void> {
  let known: Principal | undefined;
  let limit: LimitState | undefined;
  const onKnown = (principal: Principal) => {
    known = principal;
    exchange.onPrincipal(principal.id);
    if (isRateLimited(route)) limit = parts.managementLimits.take(principal);
  };
  return tryMaybe(
    () =>
      mapMaybe(route.access.admit(parts, exchange, onKnown), (principal) =>
        readInput(parts, route, exchange, principal, (input) =>
          mapMaybe(handle(parts, route, input), (answer) => sendAnswer(exchange, withLimit(answer, limit))),
        ),
      ),
    (error) => {
      if (known === undefined) notePresentedKeys(parts, exchange);
      return noteRefusal(parts, route, exchange, known, error);
    },
  );
}

/** Management, except what ends something: whatever else a caller does, that is never refused. */
export function isRateLimited({
  endpoint,
  method,
  access,
}: Pick<Route<never>, 'endpoint' | 'method' | 'access'>): boolean {
  return endpoint === undefined && method !== 'delete' && access.isForGateways !== true;
}

function withLimit(
  answer: Answer<Shape> | LinesAnswer<Shape> | CsvAnswer,
  limit: LimitState | undefined,
): Answer<Shape> | LinesAnswer<Shape> | CsvAnswer {
  if (limit === undefined || 'lines' in answer || 'csv' in answer) return answer;
  return { ...answer, headers: { ...rateLimitHeaders(limit), ...answer.headers } };
}

/** Audits the refusal of a known caller, and throws it again. */
export function noteRefusal(
  parts: Pick<RouteParts, 'noteRefusal'>,
  { access, operationId }: { access: Pick<Access<never, never>, 'areRefusalsAudited'>; operationId: string },
  { requestId, ip }: Pick<HttpExchange, 'requestId' | 'ip'>,
  principal: Principal | undefined,
  error: unknown,
): Promise<never> {
  if (principal === undefined || !access.areRefusalsAudited || !isRefusal(error)) throw error;
  const caller = { principal, requestId, address: ip() };
  return parts.noteRefusal({ caller, operationId, code: error.code }).then(() => {
    throw error;
  });
}

function readInput<Parts extends RouteParts>(
  parts: Parts,
  route: Route<Parts>,
  exchange: HttpExchange,
  principal: Principal,
  use: (input: AnyInput) => MaybeLater<void>,
): MaybeLater<void> {
  const { req, requestId } = exchange;
  const accepted = route.method === 'get' ? requireAcceptable(req, mediaTypesOf(route)) : undefined;
  const params = exchange.params === noInput ? noInput : validate(route.params, exchange.params);
  const query = exchange.query === noInput ? noInput : validate(route.query, exchange.query);
  // Fast endpoints write no event in the caller's name, and are spared the look.
  const caller = { principal, requestId, address: params === noInput ? undefined : exchange.ip() };
  const { keyring } = parts;
  const once = route.idempotent && readIdempotencyKey(principal, req, { route, params });
  const inputOf = (body: unknown, idempotency: Idempotency | undefined, answerLines: AnyAnswerLines) => ({
    params,
    query,
    body,
    caller,
    wantsCsv: accepted === csvMediaType,
    wantsLines: accepted === linesMediaType,
    idempotency,
    ip: exchange.ip,
    endClientAddress: () => oneOf(req.headers[clientAddressHeader]),
    client: () => ({ address: exchange.ip(), userAgent: readUserAgent(req.headers['user-agent']) }),
    pageOrigin: () => pageOrigin(req),
    signal: () => disconnectSignal(exchange.res()),
    answerLines,
  });
  if (route.bodyFormat === 'lines') {
    const idempotencyOf = once && newLineIdempotency(keyring, once);
    return receiveLines(parts, { route, exchange, caller, idempotencyOf }, (answerLines) =>
      use(inputOf(undefined, undefined, answerLines)),
    );
  }
  return readSent(route, exchange, (sent) => {
    const schema = (route.mergePatchBody && isMergePatch(req) && route.mergePatchBody) || route.body;
    return use(
      inputOf(validate(schema, sent), once && newIdempotency(keyring, { ...once, body: sent }), notLines),
    );
  });
}

// biome-ignore lint/suspicious/noExplicitAny: as in `Route`
type AnyAnswerLines = AnswerLines<any>;

const notLines: AnyAnswerLines = () => {
  throw new Error('The body of this route is not lines');
};

function handle<Parts extends RouteParts>(parts: Parts, route: Route<Parts>, input: AnyInput) {
  if (route.method !== 'get' || route.isLongPoll) return route.handle(parts, input);
  return parts.reads.run(queueOf(input.caller.principal), async () => route.handle(parts, input));
}

function readSent<Parts>(
  { bodyFormat, method }: Route<Parts>,
  exchange: HttpExchange,
  use: (sent: unknown) => MaybeLater<void>,
): MaybeLater<void> {
  if (bodyFormat === 'form') {
    return exchange.form(exchange.isCallerKnown() ? undefined : strangersMembersMax).then(use);
  }
  const bytesMax = exchange.isCallerKnown() ? bodyBytesMax : strangersBodyBytesMax;
  return method === 'patch' ? readPatchBody(exchange, bytesMax, use) : readJsonBody(exchange, bytesMax, use);
}

function oneOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function disconnectSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.closed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}

/**
 * Only a GET can be refused by `Accept`. A change, above all a revoke, is carried out and answered
 * in JSON, as RFC 9110 §12.4.1 allows.
 */
function requireAcceptable(req: RequestHead, offered: string[]): string {
  const accepted = acceptedType(req, [...offered, 'application/problem+json']);
  if (accepted === false) throw new FlowplateError('NOT_ACCEPTABLE');
  return accepted;
}

function mediaTypesOf<Parts>({ answerFormat, csv, alsoLines }: Route<Parts>): string[] {
  if (answerFormat === 'lines') return [linesMediaType];
  if (alsoLines) return ['application/json', linesMediaType];
  return csv ? ['application/json', csvMediaType] : ['application/json'];
}

/** Uses decoded parameters: `usr%5F1` and `usr_1` are the same request. */
function readIdempotencyKey(
  principal: Principal,
  req: RequestHead,
  { route, params }: { route: { operationId: string }; params: unknown },
): { scope: string; key: string } | undefined {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length === 0 || key.length > idempotencyKeyLengthMax) {
    throw new FlowplateError('VALIDATION_ERROR', {
      details: [{ path: 'Idempotency-Key', message: `must have 1 to ${idempotencyKeyLengthMax} characters` }],
    });
  }
  const inside = organizationOf(principal);
  const who = inside === null ? principal.id : `${principal.id} in ${inside}`;
  return { scope: `${who} ${route.operationId} ${JSON.stringify(params)}`, key };
}
