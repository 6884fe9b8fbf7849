import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { deleteDeliveriesBefore } from '../../stores/postgres/webhooks/deliveries.ts';

const dayMs = 86_400_000;

/**
 * Deletes old deliveries and dead letters, and returns their number. Their events stay in the
 * audit log.
 */
export async function pruneDeliveries(parts: {
  db: Database;
  webhookDeliveriesDays: number;
}): Promise<number> {
  const now = await readServerTime(parts.db);
  return deleteDeliveriesBefore(parts.db, new Date(now.getTime() - parts.webhookDeliveriesDays * dayMs));
}
