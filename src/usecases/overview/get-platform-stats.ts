import type { Clock } from '../../domain/clock.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type PlatformCounts, readPlatformCounts } from '../../stores/postgres/platform-counts.ts';

/** Number of tenant and platform keys, and of accepted calls of all keys today. */
export function getPlatformStats(parts: { db: Db; clock: Clock }): Promise<PlatformCounts> {
  return readPlatformCounts(parts.db, parts.clock.now());
}
