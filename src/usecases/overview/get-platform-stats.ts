import type { Clock } from '../../domain/clock.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type PlatformCounts, readPlatformCounts } from '../../stores/postgres/platform-counts.ts';

/**
 * How many tenant and platform keys there are, and how often keys of any kind were accepted today.
 */
export function getPlatformStats(parts: { db: Db; clock: Clock }): Promise<PlatformCounts> {
  return readPlatformCounts(parts.db, parts.clock.now());
}
