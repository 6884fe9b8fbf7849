import { FlowplateError } from '../../domain/errors.ts';
import { isVisibleTo, type VisibleScope } from '../../domain/principal.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import { findKey } from '../../stores/postgres/user-keys/user-keys.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';

/**
 * One key with its usage, never its secret. `KEY_NOT_FOUND` also when the caller may not see it.
 */
export async function getKey(
  parts: ReadParts,
  principal: VisibleScope,
  keyId: string,
): Promise<KeyWithUsage> {
  const key = await findKey(parts.db, keyId);
  if (key === undefined || !isVisibleTo(principal, key.organizationId, key.environment)) {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  const totals = await listUsageTotals(parts.db, [key.lineageId], parts.clock.now());
  return { key, usage: totals.get(key.lineageId) };
}
