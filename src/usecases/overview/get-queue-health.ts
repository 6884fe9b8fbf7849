import type { QueueHealth } from '../../stores/queue-health.ts';

export type QueueHealthParts = {
  /** Both reject soon when their Redis does not answer. */
  readQueue: () => Promise<QueueHealth>;
  countFlushes: () => Promise<number>;
};

/**
 * State of the background jobs, and the number of usage flushes that wait; null where Redis does
 * not answer.
 */
export async function getQueueHealth(
  parts: QueueHealthParts,
): Promise<{ queue: QueueHealth | null; flushesWaiting: number | null }> {
  const [queue, flushesWaiting] = await Promise.all([
    parts.readQueue().catch(() => null),
    parts.countFlushes().catch(() => null),
  ]);
  return { queue, flushesWaiting };
}
