import { z } from 'zod';
import type { Principal } from '../../domain/principal.ts';
import type { Revocation } from '../../usecases/user-keys/revocation.ts';
import { propagationFields, statusOf, toPropagation } from '../propagation.ts';
import type { Answer } from '../send-answer.ts';

export const revocationSuccess = {
  200: 'Revoked everywhere, or nothing was left to revoke.',
  202: 'Revoked, but some verifier has not applied it yet (see `propagation_detail.effective_by`).',
};

export const revocationAnswer = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  revoked_count: z.int(),
  ...propagationFields,
});

/** `reader`: the recipient, where it may be an operator. */
export function toRevocationAnswer(
  { revokedCount, propagation }: Revocation,
  reader?: Principal,
): Answer<typeof revocationAnswer> {
  const keys = revokedCount === 1 ? 'API key' : 'API keys';
  return {
    status: statusOf(propagation),
    body: {
      success: true,
      message:
        revokedCount === 0 ? 'No active API key was left to revoke' : `${revokedCount} ${keys} revoked`,
      revoked_count: revokedCount,
      ...toPropagation(propagation, reader),
    },
  };
}
