import type { ServerResponse } from 'node:http';
import type { z } from 'zod';

type Shape = z.ZodType;

export type Answer<R extends Shape> = { status: number; body: z.input<R>; headers?: Record<string, string> };

/**
 * An answer without an end in sight: JSON values, one to a line, taken from the source as fast as
 * the caller reads.
 */
export type LinesAnswer<R extends Shape> = { lines: AsyncIterable<readonly z.input<R>[]> };

/** https://github.com/ndjson/ndjson-spec */
export const linesMediaType = 'application/x-ndjson';

export async function sendAnswer(
  res: ServerResponse,
  answer: Answer<Shape> | LinesAnswer<Shape>,
): Promise<void> {
  if ('lines' in answer) await sendLines(res, answer);
  else if (answer.status === 204) sendNothing(res);
  else sendJson(res, answer);
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

/**
 * What fails before the first line is an ordinary error; later the connection is cut, so that half
 * an answer never looks whole.
 */
async function sendLines(res: ServerResponse, { lines }: LinesAnswer<Shape>): Promise<void> {
  for await (const some of lines) {
    if (res.destroyed) return;
    beginLines(res);
    const isTaken = res.write(some.map((line) => `${JSON.stringify(line)}\n`).join(''));
    if (!isTaken) await drainedOrLeft(res);
    // Nothing more is read for one who has left.
    if (res.destroyed) return;
  }
  if (res.destroyed) return;
  beginLines(res);
  res.end();
}

function beginLines(res: ServerResponse): void {
  if (res.headersSent) return;
  res.setHeader('Content-Type', linesMediaType);
  res.setHeader('Cache-Control', 'no-store');
}

/**
 * Far longer than any network needs for one page. Whoever takes nothing keeps a place that others
 * are waiting for.
 */
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
