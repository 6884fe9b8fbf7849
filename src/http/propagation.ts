import { z } from 'zod';
import type { Propagation } from '../domain/propagation.ts';
import { timestampText } from './flowplate/key-schemas.ts';

/** What every answer says that takes something away from a key. */
export const propagationFields = {
  propagation: z
    .enum(['complete', 'pending'])
    .describe(
      'complete: no verifier anywhere accepts the old state in a request that starts after this answer. pending: committed and durable, some verifier has not confirmed yet',
    ),
  propagation_detail: z.strictObject({
    acknowledged: z.int(),
    total: z.int(),
    waited_ms: z.int(),
    effective_by: timestampText.describe('When it is certain in any case'),
  }),
};

export function toPropagation(propagation: Propagation) {
  return {
    propagation: propagation.isComplete ? ('complete' as const) : ('pending' as const),
    propagation_detail: {
      acknowledged: propagation.acknowledged,
      total: propagation.total,
      waited_ms: Math.round(propagation.waitedMs),
      effective_by: propagation.effectiveBy.toISOString(),
    },
  };
}

/** A change that some verifier has not confirmed yet is accepted (RFC 9110 §15.3.3), not done. */
export function statusOf({ isComplete }: Propagation): 200 | 202 {
  return isComplete ? 200 : 202;
}
