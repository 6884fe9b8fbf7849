import type { Database } from '../../stores/postgres/database.ts';
import { isFaultOfTheData } from '../../stores/postgres/faults.ts';
import {
  countSetAsideFlushes,
  insertSetAsideFlush,
  type SetAsideFlush,
} from '../../stores/postgres/usage/set-aside-flushes.ts';
import { UnreadableFlush } from '../../stores/redis/usage-flushes.ts';

/** Told once of each flush that was set aside, or dropped when it was not kept. */
export type OnSetAside = (flush: SetAsideFlush, isKept: boolean) => void;

const errorLengthMax = 1_000;

/** Maximum number of foreign flushes that are kept in Postgres, and their size, 1 GiB in all. */
const strangeBytesMax = 1_048_576;
const setAsideMax = 1_000;

/**
 * Stores a flush that cannot be counted where an operator finds it. Its counts are missing until it
 * is put back. Foreign flushes are kept within bounds, and dropped beyond them.
 */
export async function setFlushAside(
  parts: { db: Database; onSetAside: OnSetAside },
  flushId: string,
  payload: Buffer,
  error: unknown,
): Promise<void> {
  const flush = { flushId, payload, error: String(error).slice(0, errorLengthMax) };
  const isKept = !(error instanceof UnreadableFlush) || (await hasRoom(parts.db, payload));
  if (isKept && !(await insertSetAsideFlush(parts.db, flush))) return;
  parts.onSetAside(flush, isKept);
}

async function hasRoom(db: Database, payload: Buffer): Promise<boolean> {
  return payload.length <= strangeBytesMax && (await countSetAsideFlushes(db)) < setAsideMax;
}

/** Whether the flush itself is faulty, and not the server or the schema. */
export function isFaultOfTheFlush(error: unknown): boolean {
  return error instanceof UnreadableFlush || isFaultOfTheData(error);
}
