import type { IncomingMessage, ServerResponse } from 'node:http';

/** Facts of a span besides its name. Never a secret, an id, or a text that a caller sent. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Ends a span. With an error, the span says of what type it was, and never what it said. */
export type EndSpan = (error?: unknown) => void;

/** Where a store is, as far as a span may tell it. */
export type StoreAddress = { host: string; port: number; namespace: string };

export type TracedRequest = {
  req: IncomingMessage;
  res: ServerResponse;
  /** The caller's span (W3C Trace Context). */
  traceparent: string | undefined;
  /** Asked when the answer is out. */
  routeOf: () => string | undefined;
};

/**
 * The spans of one process. The parts that can be traced have it as `Tracing | undefined`; it is
 * undefined unless tracing was switched on, so that tracing costs one comparison while it is off.
 *
 * A request or a job begins a trace or goes on with its caller's. Everything below gets a span only
 * inside of one that is recorded: undefined means that there is nothing to end. What runs in the
 * background is in no trace.
 */
export type Tracing = {
  /** Runs `handle` inside the span of a request. */
  request(request: TracedRequest, handle: () => void): void;
  /** The id of the request's trace, recorded or not. */
  traceIdOf(req: object): string | undefined;
  /** One statement of SQL. Only a summary of its text is told. */
  statement(address: StoreAddress, text: string): EndSpan | undefined;
  /** One command of Redis. */
  command(address: StoreAddress, name: string): EndSpan | undefined;
  /** A wait for something that is not a store. */
  wait(name: string): ((facts: Facts) => void) | undefined;
  /** Runs a job of the worker inside a span. */
  job<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Sends what is left, for two seconds at most. */
  stop(): Promise<void>;
};
