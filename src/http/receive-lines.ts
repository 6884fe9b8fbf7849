import type { z } from 'zod';
import type { Idempotency } from '../domain/idempotency.ts';
import { type Caller, type Principal, queueOf } from '../domain/principal.ts';
import { answerLines } from './answer-lines.ts';
import type { HttpExchange } from './exchange.ts';
import { lineLimits } from './line-limits.ts';
import { LineReader, type RawLine } from './line-reader.ts';
import type { LinesAtOnce } from './lines-at-once.ts';
import { type ErrorEnvelope, lineProblem, type ProblemParts } from './problem.ts';
import { noLine, parseLine, requireLines, requireTypeOfLines } from './read-body.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { validate } from './validate.ts';

/** Line of a body, numbered from 1. `idempotency`: of this line, when the caller sent a key. */
export type SentLine<B> = { number: number; body: B; idempotency: Idempotency | undefined };

/** Hands the valid lines over in chunks. One outcome for each, in order; it never rejects. */
export type LinesWork<B, A> = (lines: readonly SentLine<B>[]) => Promise<readonly PromiseSettledResult<A>[]>;

export type ReceiveLinesParts = Pick<ProblemParts, 'log' | 'tracing'> & {
  linesAtOnce: LinesAtOnce;
  noteRefusal(refusal: Refusal): Promise<void>;
};

type Received = {
  route: { body: z.ZodType; operationId: string };
  exchange: HttpExchange;
  caller: Caller<Principal>;
  /** The same Idempotency-Key covers each line by its number. */
  idempotencyOf: ((body: unknown, lineNumber: number) => Idempotency) | undefined;
};

/**
 * Receives a body of lines (NDJSON), of which each is read, checked and answered like the body of a
 * single call. Refuses before the answer begins what is known by then: the headers, and a body
 * without a line. A later fault is an error in the place of its line.
 */
export async function receiveLines<T>(
  parts: ReceiveLinesParts,
  received: Received,
  // biome-ignore lint/suspicious/noExplicitAny: as in `Route`
  use: (answer: <A>(work: LinesWork<any, A>) => AsyncGenerator<readonly (A | ErrorEnvelope)[]>) => T,
): Promise<Awaited<T>> {
  const { exchange, caller } = received;
  requireLines(exchange.req, lineLimits.bytesMax);
  const free = parts.linesAtOnce.take(queueOf(caller.principal));
  const lines = new LineReader(exchange.res().req, lineLimits);
  try {
    await lines.arrival();
    if (!lines.hasSome()) throw noLine();
    requireTypeOfLines(exchange.req);
    return await use((work) => answerLines(lines, (some) => answerSome(parts, received, some, work)));
  } finally {
    lines.stop();
    free();
  }
}

async function answerSome<A>(
  parts: ReceiveLinesParts,
  received: Received,
  some: readonly RawLine[],
  // biome-ignore lint/suspicious/noExplicitAny: as in `Route`
  work: LinesWork<any, A>,
): Promise<(A | ErrorEnvelope)[]> {
  const read = some.map((line) => readLine(received, line));
  const valid = read.filter((line): line is SentLine<unknown> => !('fault' in line));
  const outcomes = valid.length === 0 ? [] : await work(valid);
  const answers: (A | ErrorEnvelope)[] = [];
  let next = 0;
  for (const line of read) {
    const outcome =
      'fault' in line ? ({ status: 'rejected', reason: line.fault } as const) : outcomes[next++];
    if (outcome?.status === 'fulfilled') answers.push(outcome.value);
    else answers.push(await refuse(parts, received, outcome?.reason));
  }
  return answers;
}

/** Line that cannot be handed over. */
type UnreadLine = { fault: unknown };

function readLine({ route, idempotencyOf }: Received, line: RawLine): SentLine<unknown> | UnreadLine {
  if ('fault' in line) return line;
  const { number, bytes } = line;
  try {
    const sent = parseLine(bytes);
    return { number, body: validate(route.body, sent), idempotency: idempotencyOf?.(sent, number) };
  } catch (fault) {
    return { fault };
  }
}

async function refuse(
  parts: ReceiveLinesParts,
  { exchange, caller, route: { operationId } }: Received,
  error: unknown,
): Promise<ErrorEnvelope> {
  if (!isRefusal(error)) return lineProblem(parts, error, exchange);
  try {
    await parts.noteRefusal({ caller, operationId, code: error.code });
  } catch (fault) {
    return lineProblem(parts, fault, exchange);
  }
  return lineProblem(parts, error, exchange);
}
