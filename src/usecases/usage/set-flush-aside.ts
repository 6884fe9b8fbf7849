import type { Database } from '../../stores/postgres/database.ts';
import { isFaultOfTheData } from '../../stores/postgres/faults.ts';
import { insertSetAsideFlush, type SetAsideFlush } from '../../stores/postgres/usage/set-aside-flushes.ts';
import { UnreadableFlush } from '../../stores/redis/usage-flushes.ts';

/** Told once of each flush that was set aside. */
export type OnSetAside = (flush: SetAsideFlush) => void;

const errorLengthMax = 1_000;

/**
 * Keeps a flush that cannot be counted where an operator finds it. Its counts are in no sum until
 * somebody puts it back.
 */
export async function setFlushAside(
  parts: { db: Database; onSetAside: OnSetAside },
  flushId: string,
  payload: Buffer,
  error: unknown,
): Promise<void> {
  const flush = { flushId, payload, error: String(error).slice(0, errorLengthMax) };
  await insertSetAsideFlush(parts.db, flush);
  parts.onSetAside(flush);
}

/** Whether the flush itself is to blame, and not the server or the schema. */
export function isFaultOfTheFlush(error: unknown): boolean {
  return error instanceof UnreadableFlush || isFaultOfTheData(error);
}
