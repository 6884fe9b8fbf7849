import { type RawBuilder, sql } from 'kysely';

/**
 * Whole numbers as one bigint[] parameter. The driver would quote and escape each of them, and
 * format times that are dates, six times for each mark of a flush. Only for numbers, of which none
 * can hold what an array literal means.
 */
export function numbers(values: readonly number[]): RawBuilder<number[]> {
  return sql`${`{${values.join(',')}}`}::bigint[]`;
}
