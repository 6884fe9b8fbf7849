import { type UsageHour, UsageHours } from '../../domain/usage-hours.ts';
import { openFlush, readFlushTexts, type StampedFlushes } from '../../stores/redis/usage-flushes.ts';

/**
 * Flushes per read. A busy process writes 1 MB in each. Longer ones than 16 MiB are not read, so
 * that three stay below the largest answer from Redis (answer-bytes.ts).
 */
const flushesPerRead = 3;

/** Rows per transaction: some seconds of work, and 100 MB in the worker. */
const hoursMax = 200_000;

/** Bounds the time before the first transaction when the same keys repeat. */
const marksMax = 1_000_000;

export type FlushBatch = {
  /** Flushes whose marks are in the sums. */
  ids: string[];
  hours: UsageHour[];
  unreadable: Array<{ id: string; error: unknown }>;
  /** Flushes that were not read: the batch is full. */
  rest: string[];
};

/** Sums as many waiting flushes as fit in one transaction, bounded by rows. */
export async function readFlushBatch(
  { redis, flushStamps }: StampedFlushes,
  waiting: readonly string[],
): Promise<FlushBatch> {
  const hours = new UsageHours();
  const ids: string[] = [];
  const unreadable: FlushBatch['unreadable'] = [];
  let marksCount = 0;
  let next = 0;
  while (next < waiting.length && hours.size < hoursMax && marksCount < marksMax) {
    const group = waiting.slice(next, next + flushesPerRead);
    next += group.length;
    const texts = await readFlushTexts(redis, group);
    for (const [index, id] of group.entries()) {
      const text = texts[index];
      if (text === undefined) continue;
      try {
        const marks = openFlush(flushStamps, id, text);
        for (const mark of marks) hours.add(mark);
        marksCount += marks.length;
        ids.push(id);
      } catch (error) {
        unreadable.push({ id, error });
      }
    }
  }
  return { ids, hours: hours.sorted(), unreadable, rest: waiting.slice(next) };
}
