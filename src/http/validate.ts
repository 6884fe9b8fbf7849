import type { z } from 'zod';
import { type Violation, validationError } from '../domain/errors.ts';
import { redact } from '../domain/redact.ts';
import { describeIssue, type RawIssue } from './describe-issue.ts';
import { describeUnknownField } from './unknown-field.ts';

/** Enough to correct a request by. A body with a thousand mistakes must not get a larger answer. */
const violationsMax = 20;
const textMax = 300;

/**
 * Returns the parsed value, or throws `VALIDATION_ERROR` with redacted violations, because a
 * misplaced value may be a secret.
 */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  let knownFields: Map<string, string[]> | undefined;
  const error = (issue: RawIssue) => {
    if (issue.code === 'unrecognized_keys') {
      knownFields ??= new Map();
      knownFields.set(pathOf(issue), fieldsOf(issue.inst));
    }
    return describeIssue(issue);
  };
  const result = schema.safeParse(value, { error });
  if (result.success) return result.data;
  throw validationError(
    result.error.issues
      .slice(0, violationsMax)
      .flatMap((issue) => violationsOf(issue, knownFields))
      .slice(0, violationsMax)
      .map(toViolation),
  );
}

/** One violation, or one for each unknown field. */
function violationsOf(
  issue: z.core.$ZodIssue,
  knownFields: ReadonlyMap<string, string[]> | undefined,
): Violation[] {
  const path = pathOf(issue);
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const known = knownFields?.get(path) ?? [];
  return issue.keys
    .slice(0, violationsMax)
    .map((field) => ({ path, message: describeUnknownField(field, known, path) }));
}

function pathOf({ path = [] }: { path?: PropertyKey[] | undefined }): string {
  return path.join('.');
}

function fieldsOf(schema: unknown): string[] {
  return Object.keys((schema as z.ZodObject | undefined)?.def?.shape ?? {});
}

/** Redacts and shortens: a path has names that the caller chose. */
export function toViolation({ path, message }: Violation): Violation {
  return { path: shown(path), message: shown(message) };
}

function shown(text: string): string {
  return redact(text.slice(0, 2 * textMax)).slice(0, textMax);
}
