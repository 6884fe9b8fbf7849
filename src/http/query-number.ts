import { z } from 'zod';

/**
 * Integer in a query string. The API document calls it an integer, so generated clients take a
 * number and send the same text.
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
