import { FlowplateError, type Violation, validationError } from '../domain/errors.ts';
import { readJson } from '../domain/read-json.ts';
import type { JsonLoss } from '../domain/rebuild-json.ts';
import { toViolation } from './validate.ts';

/**
 * Parses JSON from a caller. `INVALID_JSON` for duplicate members, since a proxy may have read the
 * other one. `VALIDATION_ERROR` for a number that a double cannot hold. Both list the paths.
 */
export function parseSentJson(text: string): unknown {
  const { value, losses } = readJson(text);
  if (losses.length === 0) return value;
  const duplicates = violationsOf(losses, 'duplicate_member');
  if (duplicates.length === 0) throw validationError(violationsOf(losses, 'changed_number'));
  throw new FlowplateError('INVALID_JSON', {
    systemMessage: `Duplicate members in the body: ${duplicates.map(({ path }) => path).join(', ')}`,
    details: duplicates,
  });
}

function violationsOf(losses: readonly JsonLoss[], wanted: JsonLoss['kind']): Violation[] {
  return losses.filter(({ kind }) => kind === wanted).map(toViolation);
}
