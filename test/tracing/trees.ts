import { randomBytes } from 'node:crypto';
import type { OtlpReceiver, ReceivedSpan } from '../support/otlp-receiver.ts';

/** A caller who traces, as its headers tell (W3C Trace Context). */
export function newTrace(isSampled = true) {
  const [id, callersSpan] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const traceparent = `00-${id}-${callersSpan}-0${isSampled ? 1 : 0}`;
  return { id, callersSpan, headers: { traceparent } };
}

export function spansOf(receiver: OtlpReceiver, traceId: string): ReceivedSpan[] {
  return receiver.spans().filter((span) => span.traceId === traceId);
}

export type Tree = [name: string, children: Tree][];

/** Spans below one, in the order in which they began, by kind and name. */
export function treeOf(spans: readonly ReceivedSpan[], parentSpanId: string | undefined): Tree {
  return spans
    .filter((span) => span.parentSpanId === parentSpanId)
    .sort((one, other) => Number(one.startNs - other.startNs))
    .map(({ kind, name, spanId }) => [`${kind} ${name}`, treeOf(spans, spanId)]);
}
