import type { KeyRefusal } from '../../domain/key-refusal.ts';
import type { VisibleScope } from '../../domain/principal.ts';
import { readRefusalsOfKey } from '../../stores/redis/refusals.ts';
import { findVisibleKey } from './find-visible-key.ts';
import { type RefusalReadParts, refuseWithoutRedis } from './kept-refusals.ts';

/**
 * The last refusals of a key, at most 20 of the last seven days, the newest first; none that Redis
 * has lost. `KEY_NOT_FOUND` also when the caller may not see the key, `DEPENDENCY_UNAVAILABLE`
 * while Redis is away.
 */
export async function listKeyRefusals(
  parts: RefusalReadParts,
  principal: VisibleScope,
  keyId: string,
): Promise<KeyRefusal[]> {
  await findVisibleKey(parts.db, principal, keyId);
  return readRefusalsOfKey(parts.keyRefusals, keyId, parts.clock.now().getTime()).catch(refuseWithoutRedis);
}
