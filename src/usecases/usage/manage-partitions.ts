import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { dropUsagePartitions, makeUsagePartitions } from '../../stores/postgres/usage/partitions.ts';
import { deleteTraffic, trimTopKeys } from '../../stores/postgres/usage/traffic.ts';

const monthsAhead = 2;
const dayMs = 86_400_000;

/** Usage may arrive a week late; the ranking of older days is final. */
const lateDaysMax = 8;

export type Retention = { usageHoursDays: number; usageDaysDays: number };

/**
 * Creates the usage partitions of the coming months, and drops those past their retention with the
 * sums of the same age. Idempotent.
 */
export async function managePartitions(parts: { db: Database; retention: Retention }): Promise<string[]> {
  const now = await readServerTime(parts.db);
  const ahead = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsAhead, 1));
  await makeUsagePartitions(parts.db, now, ahead);
  const hoursBefore = new Date(now.getTime() - parts.retention.usageHoursDays * dayMs);
  const daysBefore = new Date(now.getTime() - parts.retention.usageDaysDays * dayMs);
  await trimTopKeys(parts.db, new Date(now.getTime() - lateDaysMax * dayMs));
  await deleteTraffic(parts.db, { hours: hoursBefore, days: daysBefore });
  return [
    ...(await dropUsagePartitions(parts.db, 'usage_hours', hoursBefore)),
    ...(await dropUsagePartitions(parts.db, 'usage_days', daysBefore)),
  ];
}
