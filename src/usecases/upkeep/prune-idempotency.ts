import { idempotencyLifeMs } from '../../domain/idempotency.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { deleteSealedAnswersBefore } from '../../stores/postgres/idempotency-keys.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { deleteFlushesOlderThan } from '../../stores/postgres/usage/flushes.ts';

/**
 * A flush is redelivered while its process lives and Redis is down; a week exceeds any such outage.
 */
const flushLifeMs = 7 * 86_400_000;

/** Deletes stored answers after their day, and ids of flushes that can no longer be delivered. */
export async function pruneIdempotency(parts: { db: Database }): Promise<number> {
  const now = await readServerTime(parts.db);
  const answers = await deleteSealedAnswersBefore(parts.db, new Date(now.getTime() - idempotencyLifeMs));
  return answers + (await deleteFlushesOlderThan(parts.db, flushLifeMs));
}
