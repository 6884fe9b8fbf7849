import type { QueueHealth } from '../../stores/queue-health.ts';

export type QueueHealthParts = {
  /** Both reject while their Redis does not answer, and soon. */
  readQueue: () => Promise<QueueHealth>;
  countFlushes: () => Promise<number>;
};

/**
 * How the background jobs are, and how many reports of counted calls wait for them; null where
 * Redis does not answer.
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
