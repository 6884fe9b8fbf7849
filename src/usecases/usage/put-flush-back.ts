import type { Database } from '../../stores/postgres/database.ts';
import { deleteSetAsideFlush, type KeptAsideFlush } from '../../stores/postgres/usage/set-aside-flushes.ts';
import type { RedisClient } from '../../stores/redis/client.ts';
import { pushFlushText } from '../../stores/redis/usage-flushes.ts';

/**
 * Returns a set-aside flush to the roll-up, under its old id. If it is killed in between, the flush
 * is in both places and still counts once.
 */
export async function putFlushBack(
  parts: { db: Database; redis: RedisClient },
  { number, flushId, payload }: KeptAsideFlush,
): Promise<void> {
  await pushFlushText(parts.redis, flushId, payload);
  await deleteSetAsideFlush(parts.db, number);
}
