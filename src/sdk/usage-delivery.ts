import type { UsageFlush } from '../domain/usage.ts';
import type { Broker } from './broker.ts';
import { FlowplateApiError } from './errors.ts';
import { toReports } from './usage-report.ts';

/**
 * Answers that another try would get again: whatever is wrong with these counts, it must not hold
 * up all later ones.
 */
const lostCauses: readonly number[] = [400, 413, 415, 422];

/**
 * Hands a flush to the broker, in parts if it is large. May be called twice with the same flush:
 * its parts bear the same ids each time, so that each counts once. Rejects as long as another try
 * may bring it there.
 */
export async function deliverUsage(
  parts: { broker: Broker; verifierId: string | undefined; onFault: (error: unknown) => void },
  flush: UsageFlush,
): Promise<void> {
  const { broker, verifierId, onFault } = parts;
  if (verifierId === undefined) throw new Error('not registered yet');
  for (const report of toReports(flush)) {
    await broker.reportUsage(verifierId, report).catch((error: unknown) => {
      if (!(error instanceof FlowplateApiError) || !lostCauses.includes(error.status)) throw error;
      onFault(error);
    });
  }
}
