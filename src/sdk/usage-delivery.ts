import type { UsageFlush } from '../domain/usage.ts';
import type { Broker } from './broker.ts';
import { isLostCause } from './lost-cause.ts';
import { toReports } from './usage-report.ts';

/**
 * Delivers a flush to the broker, in parts if it is large. Idempotent: the parts have the same ids
 * each time. Rejects while a retry may succeed.
 */
export async function deliverUsage(
  parts: { broker: Broker; verifierId: string | undefined; onFault: (error: unknown) => void },
  flush: UsageFlush,
): Promise<void> {
  const { broker, verifierId, onFault } = parts;
  if (verifierId === undefined) throw new Error('not registered yet');
  for (const report of toReports(flush)) {
    await broker.reportUsage(verifierId, report).catch((error: unknown) => {
      if (!isLostCause(error)) throw error;
      onFault(error);
    });
  }
}
