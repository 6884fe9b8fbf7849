import type { z } from 'zod';
import { type Violation, validationError } from '../domain/errors.ts';
import { redact } from '../domain/redact.ts';

/** Enough to correct a request by. A body with a thousand mistakes must not get a larger answer. */
const violationsMax = 20;
const textMax = 300;

/**
 * Returns the parsed value, or throws `VALIDATION_ERROR` with redacted violations, because a
 * misplaced value may be a secret.
 */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationError(
    result.error.issues
      .slice(0, violationsMax)
      .map(({ path, message }) => toViolation({ path: path.join('.'), message })),
  );
}

/** Redacts and shortens: a path has names that the caller chose. */
export function toViolation({ path, message }: Violation): Violation {
  return { path: shown(path), message: shown(message) };
}

function shown(text: string): string {
  return redact(text.slice(0, 2 * textMax)).slice(0, textMax);
}
