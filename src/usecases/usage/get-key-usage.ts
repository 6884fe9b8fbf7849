import type { VisibleScope } from '../../domain/principal.ts';
import { listUsageSums } from '../../stores/postgres/usage/usage.ts';
import { findVisibleKey } from '../user-keys/find-visible-key.ts';
import type { ReadParts } from '../user-keys/key-with-usage.ts';
import { type KeyUsage, type UsageRequest, wholeSteps } from './usage-range.ts';

/**
 * Usage of a key's line in `[from, to)`, widened to whole hours or UTC days. The default is the
 * last day of hours or the last 30 days. `KEY_NOT_FOUND`; `VALIDATION_ERROR` for an empty or too
 * long range.
 */
export async function getKeyUsage(
  parts: ReadParts,
  principal: VisibleScope,
  keyId: string,
  request: UsageRequest,
): Promise<KeyUsage> {
  const key = await findVisibleKey(parts.db, principal, keyId);
  const range = wholeSteps(request, parts.clock.now());
  const sums = await listUsageSums(parts.db, key.lineageId, range);
  return { ...range, sums };
}
