import type { KeyRefusal } from '../../domain/key-refusal.ts';
import { readRefusalsOfRequest } from '../../stores/redis/refusals.ts';
import { type RefusalReadParts, refuseWithoutRedis } from './kept-refusals.ts';

/**
 * The refusals of one request, by its request id or trace id: one, or those of a batch. None when
 * it was not refused, is older than seven days, or has made room for newer ones. For operators, who
 * see every key. `DEPENDENCY_UNAVAILABLE` while Redis is away.
 */
export function findRefusals(
  { keyRefusals, clock }: Pick<RefusalReadParts, 'keyRefusals' | 'clock'>,
  id: string,
): Promise<KeyRefusal[]> {
  return readRefusalsOfRequest(keyRefusals, id, clock.now().getTime()).catch(refuseWithoutRedis);
}
