import { type RawBuilder, sql } from 'kysely';

/**
 * One bigint[] parameter. Built as text: the driver would quote and escape each number. Safe,
 * because a number has no special characters of an array literal.
 */
export function bigintArray(values: readonly number[]): RawBuilder<number[]> {
  return sql`${`{${values.join(',')}}`}::bigint[]`;
}
