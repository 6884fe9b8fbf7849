import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Attributes,
  type Context,
  type ContextManager,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_SCHEME,
  DB_SYSTEM_NAME_VALUE_POSTGRESQL,
} from '@opentelemetry/semantic-conventions';
import { errorType, sqlState } from './error-type.ts';
import { statementSummary } from './statement-summary.ts';
import type { EndSpan, Facts, StoreAddress, TracedRequest, Tracing } from './tracing.ts';

/** Statements are made by code: there are some hundreds of them. */
const summariesMax = 2_000;

/** The methods that a span may name; forward auth is asked with any. */
const methods = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
const otherMethod = '_OTHER';

/** On the request itself: a `WeakMap` costs as much again as a span that is not recorded. */
const traceId = Symbol('traceId');
type TracedMessage = IncomingMessage & { [traceId]?: string };

/**
 * The spans of this process, named as OpenTelemetry's semantic conventions for HTTP and databases
 * have it. Left out is what a caller could put a secret or an id into: paths, queries, headers,
 * addresses, `tracestate`, and what an error says.
 */
export class Spans implements Tracing {
  readonly #tracer: Tracer;
  readonly #contexts: ContextManager;
  readonly #summaries = new Map<string, string>();
  readonly stop: () => Promise<void>;

  constructor(tracer: Tracer, contexts: ContextManager, stop: () => Promise<void>) {
    this.#tracer = tracer;
    this.#contexts = contexts;
    this.stop = stop;
  }

  request({ req, res, traceparent, routeOf }: TracedRequest, handle: () => void): void {
    const method = methods.has(req.method ?? '') ? (req.method as string) : otherMethod;
    const name = method === otherMethod ? 'HTTP' : method;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER }, contextOf(traceparent));
    (req as TracedMessage)[traceId] = span.spanContext().traceId;
    if (!span.isRecording()) {
      handle();
      return;
    }
    span.setAttributes({ [ATTR_HTTP_REQUEST_METHOD]: method, [ATTR_URL_SCHEME]: 'http' });
    res.once('close', () => endRequest(span, name, routeOf(), res));
    const context = trace.setSpan(ROOT_CONTEXT, span);
    // Node tells of a body outside of any context.
    this.#contexts.bind(context, req);
    this.#contexts.with(context, handle);
  }

  traceIdOf(req: object): string | undefined {
    return (req as TracedMessage)[traceId];
  }

  statement(address: StoreAddress, text: string): EndSpan | undefined {
    const parent = this.#recorded();
    if (parent === undefined) return undefined;
    const summary = this.#summaryOf(text);
    return this.#store(parent, summary, {
      [ATTR_DB_SYSTEM_NAME]: DB_SYSTEM_NAME_VALUE_POSTGRESQL,
      [ATTR_DB_QUERY_SUMMARY]: summary,
      ...toAttributes(address),
    });
  }

  command(address: StoreAddress, name: string): EndSpan | undefined {
    const parent = this.#recorded();
    if (parent === undefined) return undefined;
    const operation = name.toUpperCase();
    return this.#store(parent, operation, {
      [ATTR_DB_SYSTEM_NAME]: 'redis',
      [ATTR_DB_OPERATION_NAME]: operation,
      ...toAttributes(address),
    });
  }

  wait(name: string): ((facts: Facts) => void) | undefined {
    const parent = this.#recorded();
    if (parent === undefined) return undefined;
    const span = this.#tracer.startSpan(name, {}, parent);
    return (facts) => span.setAttributes(facts).end();
  }

  async job<T>(name: string, run: () => Promise<T>): Promise<T> {
    const attributes = { 'flowplate.job.name': name };
    const span = this.#tracer.startSpan(`job ${name}`, { attributes }, ROOT_CONTEXT);
    const end = toEnd(span);
    try {
      const result = await this.#contexts.with(trace.setSpan(ROOT_CONTEXT, span), run);
      end();
      return result;
    } catch (error) {
      end(error);
      throw error;
    }
  }

  /** The context to hang a span into, while its own is recorded and not over. */
  #recorded(): Context | undefined {
    const context = this.#contexts.active();
    return trace.getSpan(context)?.isRecording() ? context : undefined;
  }

  #store(parent: Context, name: string, attributes: Attributes): EndSpan {
    return toEnd(this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent));
  }

  #summaryOf(text: string): string {
    const known = this.#summaries.get(text);
    if (known !== undefined) return known;
    const summary = statementSummary(text);
    if (this.#summaries.size < summariesMax) this.#summaries.set(text, summary);
    return summary;
  }
}

function contextOf(traceparent: string | undefined): Context {
  const caller = traceparent === undefined ? null : parseTraceParent(traceparent);
  return caller === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...caller, isRemote: true });
}

function endRequest(span: Span, name: string, route: string | undefined, res: ServerResponse): void {
  if (route !== undefined) span.updateName(`${name} ${route}`).setAttribute(ATTR_HTTP_ROUTE, route);
  if (res.headersSent) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, res.statusCode);
  if (!res.writableFinished) fail(span, 'aborted');
  else if (res.statusCode >= 500) fail(span, String(res.statusCode));
  span.end();
}

function toEnd(span: Span): EndSpan {
  return (error) => {
    if (error !== undefined) {
      fail(span, errorType(error));
      const code = sqlState(error);
      if (code !== undefined) span.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, code);
    }
    span.end();
  };
}

function fail(span: Span, type: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, type).setStatus({ code: SpanStatusCode.ERROR });
}

function toAttributes({ host, port, namespace }: StoreAddress): Attributes {
  return { [ATTR_DB_NAMESPACE]: namespace, [ATTR_SERVER_ADDRESS]: host, [ATTR_SERVER_PORT]: port };
}
