import { distance } from 'fastest-levenshtein';
import { unknownField } from '../domain/errors.ts';

/** Longer names are no typos, and the distance takes time in proportion to both lengths. */
const comparedLengthMax = 64;
const editsMax = 3;

/**
 * Text for a field that the schema does not have, with the nearest name that it has: `userId` is
 * near `user_id`. `inside` is the path of the object that has the field.
 */
export function describeUnknownField(field: string, known: readonly string[], inside = ''): string {
  const at = inside === '' ? '' : `${inside}.`;
  const meant = nearest(field, known);
  const hint = meant === undefined ? '' : `; did you mean \`${at}${meant}\`?`;
  return `${unknownField} \`${at}${field}\`${hint}`;
}

/** At most three edits, and fewer than half of the letters. */
function nearest(field: string, known: readonly string[]): string | undefined {
  if (field.length > comparedLengthMax) return undefined;
  const typed = lettersOf(field);
  const [closest] = known
    .map((name) => ({ name, edits: distance(typed, lettersOf(name)) }))
    .sort((a, b) => a.edits - b.edits);
  return closest !== undefined && closest.edits <= Math.min(editsMax, typed.length / 2)
    ? closest.name
    : undefined;
}

/** `userId`, `user-id` and `USER_ID` are spellings of one name. */
function lettersOf(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase();
}
