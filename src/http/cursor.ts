import { z } from 'zod';
import { type IdKind, idPattern } from '../domain/ids.ts';
import { numberRanges } from '../domain/number-ranges.ts';
import { queryNumber } from './query-number.ts';

/**
 * Opaque cursor: the encoded id of the last row of the previous page. Refuses cursors that were
 * changed or belong to another list.
 */
export function cursorOf(kind: IdKind) {
  return z
    .string()
    .max(200)
    .transform((text) => Buffer.from(text, 'base64url').toString('latin1'))
    .refine((id) => idPattern(kind).test(id), 'is not a cursor of this list');
}

export function toCursor(id: string): string {
  return Buffer.from(id, 'latin1').toString('base64url');
}

export function pageLimitTo(max: number) {
  const message = `must be a number from 1 to ${max}`;
  return queryNumber({ min: 1, max, message }).default(Math.min(50, max));
}

export const pageLimit = pageLimitTo(numberRanges.pageSize.max);

/**
 * `Link` header to the next page of a bare array (RFC 8288); none on the last page. `query`: the
 * filters of this page.
 */
export function nextPage(
  path: string,
  query: Record<string, unknown>,
  cursor: string | undefined,
): { headers?: Record<string, string> } {
  if (cursor === undefined) return {};
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, cursor })) {
    if (value !== undefined) search.set(name, textOf(value));
  }
  return { headers: { Link: `<${path}?${search}>; rel="next"` } };
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
