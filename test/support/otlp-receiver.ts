import { createServer, type IncomingMessage } from 'node:http';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd } from './at-end.ts';

type Value = { stringValue?: string; intValue?: number | string; boolValue?: boolean; doubleValue?: number };
type Attribute = { key: string; value: Value };
type SentSpan = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code?: number; message?: string };
};
type SentTraces = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: SentSpan[] }[] }[];
};

export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'other';
  startNs: bigint;
  endNs: bigint;
  attributes: Record<string, unknown>;
  isFailed: boolean;
  resource: Record<string, unknown>;
};

export type OtlpReceiver = {
  url: string;
  /** The bodies that came in, request by request, as they were sent. */
  bodies: string[];
  headers: IncomingMessage['headers'][];
  spans(): ReceivedSpan[];
  /** Takes requests and answers none, from now on or no longer. */
  hang(isHanging: boolean): void;
  port: number;
  close(): Promise<void>;
};

const kinds = ['other', 'internal', 'server', 'client'] as const;

/** A receiver of traces, OTLP over HTTP in JSON, as a collector is one. */
export async function startOtlpReceiver(port = 0): Promise<OtlpReceiver> {
  const bodies: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  let isHanging = false;
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (isHanging) return;
    if (req.url !== '/v1/traces' || req.headers['content-type'] !== 'application/json') {
      res.writeHead(404).end();
      return;
    }
    headers.push(req.headers);
    bodies.push(Buffer.concat(chunks).toString());
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const taken = await listen(server, port, '127.0.0.1');
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  atEnd(close);
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    bodies,
    headers,
    spans: () => bodies.flatMap((body) => spansIn(JSON.parse(body) as SentTraces)),
    hang: (hangs) => {
      isHanging = hangs;
    },
    close,
  };
}

function spansIn({ resourceSpans }: SentTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => toSpan(span, valuesOf(resource.attributes)))),
  );
}

function toSpan(span: SentSpan, resource: Record<string, unknown>): ReceivedSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    name: span.name,
    kind: kinds[span.kind] ?? 'other',
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    attributes: valuesOf(span.attributes),
    isFailed: span.status.code === 2,
    resource,
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
