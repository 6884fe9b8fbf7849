import type { KeyRefusal } from '../domain/key-refusal.ts';
import type { Broker } from './broker.ts';
import { FlowplateApiError } from './errors.ts';

/** As many as the broker takes in one report. */
const refusalsPerReport = 200;

/**
 * Hands refusals to the broker, where the owners of the keys look at them. Rejects when another try
 * may bring them there. A broker that refuses the report, or is too old to know it, gets none.
 */
export async function deliverRefusals(
  { broker, verifierId }: { broker: Broker; verifierId: string | undefined },
  refusals: readonly KeyRefusal[],
): Promise<void> {
  if (verifierId === undefined) throw new Error('not registered yet');
  for (let start = 0; start < refusals.length; start += refusalsPerReport) {
    const some = refusals.slice(start, start + refusalsPerReport);
    await broker.reportRefusals(verifierId, some).catch((error: unknown) => {
      if (!isFinal(error)) throw error;
    });
  }
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof FlowplateApiError) || error.code === 'VERIFIER_NOT_FOUND') return false;
  return error.status < 500 && error.status !== 429;
}
