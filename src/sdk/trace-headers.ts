import { pickHeaders } from '../domain/pick-headers.ts';

/** `traceparent` and `tracestate`, the headers that pass a trace on (W3C Trace Context). */
export type TraceHeaders = Readonly<Record<string, string>>;

const names = ['traceparent', 'tracestate'] as const;
const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)/;

/**
 * The trace headers of a request, to be passed on as they are; none when its `traceparent` is
 * missing, malformed or there twice. `rawHeaders` are names and values in turn, as Node has them.
 */
export function readTraceHeaders(rawHeaders: readonly string[]): TraceHeaders | undefined {
  const [traceparents, states] = pickHeaders(rawHeaders, names);
  const [traceparent, tracestate] = [theOnly(traceparents), theOnly(states)];
  if (traceparent === undefined || !traceparentPattern.test(traceparent)) return undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

function theOnly(values: readonly string[] = []): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}
