import { z } from 'zod';
import { isOrganizationCaller, isPlatformCaller, type Principal } from '../domain/principal.ts';
import type { HeldUpBy, Propagation } from '../domain/propagation.ts';
import { timestampText } from './fields.ts';

/** Propagation fields of every answer to a revoke or another restriction. */
export const propagationFields = {
  propagation: z
    .enum(['complete', 'pending'])
    .describe(
      'complete: no verifier accepts the old state in a request that starts after this answer. pending: committed, but some verifier has not applied it yet',
    ),
  propagation_detail: z.strictObject({
    acknowledged: z.int(),
    total: z.int(),
    waited_ms: z.int(),
    effective_by: timestampText.describe('Time from which it is in effect everywhere'),
    held_up_by: z
      .array(z.strictObject({ verifier_id: z.string(), master_key_id: z.string().nullable() }))
      .optional()
      .describe(
        'Only for operators with `platform:keys:read`, while it is pending: the verifiers that have not applied it, 20 at most. `master_key_id` is the master key of the gateway that embeds the verifier, null for an API process',
      ),
  }),
};

/** Beyond this number, the list of verifiers is more useful. */
const namedMax = 20;

/** `reader`: the recipient, where it may be an operator. */
export function toPropagation(propagation: Propagation, reader?: Principal) {
  const isNamed = !propagation.isComplete && mayKnowVerifiers(reader);
  return {
    propagation: propagation.isComplete ? ('complete' as const) : ('pending' as const),
    propagation_detail: {
      acknowledged: propagation.acknowledged,
      total: propagation.total,
      waited_ms: Math.round(propagation.waitedMs),
      effective_by: propagation.effectiveBy.toISOString(),
      ...(isNamed && { held_up_by: propagation.heldUpBy.slice(0, namedMax).map(toHeldUpBy) }),
    },
  };
}

/** Whether the reader may see the list of verifiers, inside a tenant as well. */
function mayKnowVerifiers(reader: Principal | undefined): boolean {
  if (reader === undefined) return false;
  if (isOrganizationCaller(reader))
    return reader.impersonator !== null && mayKnowVerifiers(reader.impersonator);
  return isPlatformCaller(reader) && reader.permissions.includes('platform:keys:read');
}

function toHeldUpBy({ verifierId, masterKeyId }: HeldUpBy) {
  return { verifier_id: verifierId, master_key_id: masterKeyId };
}

/** 202 (RFC 9110 §15.3.3) while some verifier has not applied the change. */
export function statusOf({ isComplete }: Propagation): 200 | 202 {
  return isComplete ? 200 : 202;
}
