import { z } from 'zod';

/**
 * A whole number in a query, where everything arrives as text. The document calls it an integer: a
 * generated client then takes a number, and writes the same text.
 */
export function queryNumber({ min, max, message }: { min: number; max: number; message: string }) {
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.int().min(min, message).max(max, message))
    .meta({
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: 'integer', minimum: min, maximum: max });
      },
    });
}
