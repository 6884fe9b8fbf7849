import type { z } from 'zod';
import { validationError } from '../domain/errors.ts';
import { redact } from '../domain/redact.ts';

/** The parsed value, or a `VALIDATION_ERROR` with every violation. Messages are redacted: a misplaced key may be a secret. */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationError(
    result.error.issues.map((issue) => ({
      path: redact(issue.path.join('.')),
      message: redact(issue.message).slice(0, 300),
    })),
  );
}
