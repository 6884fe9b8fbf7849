import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { AcceptedVerdict } from '../verify/accepted-verdict.ts';
import type { HttpExchange } from './exchange.ts';
import type { ErrorEnvelope } from './problem.ts';
import { linesMediaType } from './read-body.ts';
import type { RefusalPace } from './refusal-pace.ts';
import type { WholeAnswer } from './send-whole.ts';

type Shape = z.ZodType;

export type Answer<R extends Shape> = {
  status: number;
  body: z.input<R>;
  headers?: Record<string, string>;
  /** Slows down a refusal that strangers can ask for repeatedly. */
  pace?: RefusalPace;
};

/** Streamed answer: JSON values, one per line, read from the source at the caller's pace. */
export type LinesAnswer<R extends Shape> = {
  lines: AsyncIterable<readonly (z.input<R> | ErrorEnvelope)[]> | Iterable<readonly unknown[]>;
  headers?: Record<string, string>;
};

/** Streamed answer: pieces of one CSV file, read from the source at the caller's pace. */
export type CsvAnswer = { csv: AsyncIterable<string> };

/** RFC 4180. */
export const csvMediaType = 'text/csv';

export function sendAnswer(
  { res, send, requestId }: Pick<HttpExchange, 'res' | 'send' | 'requestId'>,
  answer: Answer<Shape> | LinesAnswer<Shape> | CsvAnswer,
): MaybeLater<void> {
  if ('lines' in answer) {
    for (const [name, value] of Object.entries(answer.headers ?? {})) res().setHeader(name, value);
    return stream(res(), linesMediaType, toLines(answer));
  }
  if ('csv' in answer) return stream(res(), `${csvMediaType}; charset=utf-8; header=present`, answer.csv);
  if (answer.status === 204) sendNothing(res());
  else send(toWhole(requestId, answer));
}

function toWhole(requestId: string, { status, body, headers, pace }: Answer<Shape>): WholeAnswer {
  const text = body instanceof AcceptedVerdict ? body.json : JSON.stringify(body);
  const bodyBytes = Buffer.byteLength(text);
  const list = [
    'x-request-id',
    requestId,
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(bodyBytes),
    'Cache-Control',
    'no-store',
  ];
  if (headers !== undefined) list.push(...Object.entries(headers).flat());
  return { status, headers: list, body: text, bodyBytes, pace };
}

function sendNothing(res: ServerResponse): void {
  res.statusCode = 204;
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}

/**
 * Errors before the first piece are ordinary ones. Later the connection is closed, so that a
 * partial answer never looks complete.
 */
async function stream(res: ServerResponse, mediaType: string, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (res.destroyed) return;
    begin(res, mediaType);
    const isTaken = res.write(piece);
    if (!isTaken) await drainedOrLeft(res);
    // Stops reading after the client has disconnected.
    if (res.destroyed) return;
  }
  if (res.destroyed) return;
  begin(res, mediaType);
  res.end();
}

async function* toLines({ lines }: LinesAnswer<Shape>): AsyncGenerator<string> {
  for await (const some of lines) yield some.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function begin(res: ServerResponse, mediaType: string): void {
  if (res.headersSent) return;
  res.setHeader('Content-Type', mediaType);
  res.setHeader('Cache-Control', 'no-store');
}

/** Disconnects a reader that accepts nothing for 60 s: it blocks one of two export slots. */
const stalledMsMax = 60_000;

async function drainedOrLeft(res: ServerResponse): Promise<void> {
  if (res.destroyed) return;
  const stalled = setTimeout(() => res.destroy(), stalledMsMax);
  await new Promise<void>((resolve) => {
    const go = () => {
      clearTimeout(stalled);
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}
