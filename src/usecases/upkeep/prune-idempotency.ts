import { idempotencyLifeMs } from '../../domain/idempotency.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deleteSealedAnswersBefore } from '../../stores/postgres/idempotency-keys.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { deleteFlushesOlderThan } from '../../stores/postgres/usage/flushes.ts';

/**
 * A flush is delivered again for as long as its process lives and Redis is away; a week is beyond
 * any such outage.
 */
const flushLifeMs = 7 * 86_400_000;

/** Drops kept answers past their day and the ids of flushes that nobody can deliver any more. */
export async function pruneOutcomes(parts: { db: Database }): Promise<number> {
  const now = await readServerTime(parts.db);
  const answers = await deleteSealedAnswersBefore(parts.db, new Date(now.getTime() - idempotencyLifeMs));
  return answers + (await deleteFlushesOlderThan(parts.db, flushLifeMs));
}
