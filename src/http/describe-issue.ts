import type { z } from 'zod';

/** An issue before it has a message, with the value that was sent. */
export type RawIssue = z.core.$ZodRawIssue;

type Describe = {
  [Code in RawIssue['code'] & string]?: (issue: Extract<RawIssue, { code: Code }>) => string;
};

/** A longer list of permitted values would be cut off. */
const namedMax = 8;

/** Words for the types in a body, as JSON names them. */
const typeNames: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const formatRules: Record<string, string> = {
  email: 'must be an e-mail address',
  uuid: 'must be a UUID',
  date: 'must be a day such as 2026-03-12',
  datetime: 'must be a time such as 2026-03-12T09:00:00Z',
};

/** Text by kind of issue, for fields that have no text of their own. */
const descriptions: Describe = {
  invalid_type: ({ expected, input }) =>
    input === undefined ? 'is required' : `must be ${typeNames[expected] ?? expected}`,
  invalid_value: ({ values, input }) =>
    input === undefined ? 'is required' : `must be ${oneOf(values.map(String))}`,
  invalid_union: ({ input }) => (input === undefined ? 'is required' : 'is none of what it may be'),
  invalid_format: ({ format }) => formatRules[format] ?? 'has the wrong form',
  too_small: ({ origin, minimum }) => `must ${sizeOf(origin, 'at least', Number(minimum))}`,
  too_big: ({ origin, maximum }) => `must ${sizeOf(origin, 'at most', Number(maximum))}`,
  not_multiple_of: ({ divisor }) => `must be a multiple of ${divisor}`,
  invalid_key: () => 'has a name that is not allowed',
};

/**
 * Text of a validation issue: what to do, as the rest of a sentence that begins with the field.
 * The schema library speaks of its own types instead (`expected string, received undefined`).
 */
export function describeIssue(issue: RawIssue): string {
  const describe = descriptions[issue.code as keyof Describe] as ((issue: RawIssue) => string) | undefined;
  return describe?.(issue) ?? 'is not valid';
}

function oneOf(values: readonly string[]): string {
  if (values.length === 1) return `${values[0]}`;
  if (values.length <= namedMax) return `one of ${values.join(', ')}`;
  return `one of the ${values.length} in the API document, such as ${values.slice(0, 3).join(', ')}`;
}

function sizeOf(origin: string, bound: 'at least' | 'at most', size: number): string {
  if (origin === 'string') return `have ${bound} ${count(size, 'character')}`;
  if (origin === 'array' || origin === 'set') return `have ${bound} ${count(size, 'entry', 'entries')}`;
  return `be ${bound} ${size}`;
}

function count(size: number, one: string, many = `${one}s`): string {
  return `${size} ${size === 1 ? one : many}`;
}
