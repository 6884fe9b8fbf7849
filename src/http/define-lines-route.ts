import type { z } from 'zod';
import type { Principal } from '../domain/principal.ts';
import type { SentLine } from './receive-lines.ts';
import { defineRoute, type Input, type RouteDefinition } from './route.ts';

type Shape = z.ZodType;

type LinesRoute<
  Parts,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  R extends Shape,
  AccessParts,
  C extends Principal,
> = Omit<RouteDefinition<Parts, P, Q, B, R, AccessParts, C>, 'bodyFormat' | 'answerFormat' | 'handle'> & {
  /** Handles lines that arrived together; one outcome for each, in order. It never rejects. */
  handleLines(
    parts: Parts,
    input: Pick<Input<P, Q, B, C>, 'params' | 'query' | 'caller'>,
    lines: readonly SentLine<z.output<B>>[],
  ): Promise<readonly PromiseSettledResult<z.input<R>>[]>;
};

/**
 * Route for many small bodies in one request (NDJSON): `body` and `answer` are those of a line. The
 * answer has one line for each line of the body, in order: the answer, or the error envelope.
 */
export function defineLinesRoute<
  Parts,
  P extends Shape,
  Q extends Shape,
  B extends Shape,
  R extends Shape,
  AccessParts,
  C extends Principal,
>(route: LinesRoute<Parts, P, Q, B, R, AccessParts, C>): RouteDefinition<Parts, P, Q, B, R, AccessParts, C> {
  const { handleLines, ...definition } = route;
  return defineRoute({
    ...definition,
    bodyFormat: 'lines',
    answerFormat: 'lines',
    handle: (parts, input) => ({
      lines: input.answerLines((some) => handleLines(parts, input, some)),
    }),
  });
}
