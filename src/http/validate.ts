import type { z } from 'zod';
import { type Violation, validationError } from '../domain/errors.ts';
import { redact } from '../domain/redact.ts';

/**
 * Enough to mend a request by; a body of a thousand mistakes should not make an answer larger than
 * itself.
 */
const violationsMax = 20;
const textMax = 300;

/**
 * The parsed value, or a `VALIDATION_ERROR` with its violations, redacted: what was put in the
 * wrong place may be a secret.
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

/** Redacted and cut: a path holds names that the caller chose. */
export function toViolation({ path, message }: Violation): Violation {
  return { path: shown(path), message: shown(message) };
}

function shown(text: string): string {
  return redact(text.slice(0, 2 * textMax)).slice(0, textMax);
}
