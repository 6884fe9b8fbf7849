import type { VisibleScope } from '../../domain/principal.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import { findVisibleKey } from './find-visible-key.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';

/**
 * One key with its usage, never its secret. `KEY_NOT_FOUND` also when the caller may not see it.
 */
export async function getKey(
  parts: ReadParts,
  principal: VisibleScope,
  keyId: string,
): Promise<KeyWithUsage> {
  const key = await findVisibleKey(parts.db, principal, keyId);
  const totals = await listUsageTotals(parts.db, [key.lineageId], parts.clock.now());
  return { key, usage: totals.get(key.lineageId) };
}
