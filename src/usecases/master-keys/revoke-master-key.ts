import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import {
  findMasterKey,
  revokeMasterKey as markRevoked,
} from '../../stores/postgres/master-keys/master-keys.ts';
import { endVerifiersOf } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { type ChangeParts, change } from '../change.ts';
import { revokesMasterKey } from './issue-master-key.ts';

/**
 * Revokes a master key and the leases of its verifiers at once. Repeating it is a success.
 * `MASTER_KEY_NOT_FOUND` when there never was one.
 */
export async function revokeMasterKey(
  parts: ChangeParts,
  by: Caller<PlatformPrincipal> | Origin,
  masterKeyId: string,
  reason: RevocationReason = 'unspecified',
): Promise<Propagation> {
  const { propagation } = await change(parts, { by, ends: [masterKeyId] }, async (tx, now) => {
    const revision = await markRevoked(tx, { id: masterKeyId, reason, at: now });
    if (revision !== undefined) {
      await endVerifiersOf(tx, masterKeyId);
      return {
        answer: {},
        events: [
          {
            eventType: 'master_key.revoked',
            organizationId: null,
            targetId: masterKeyId,
            details: { reason },
          },
        ],
        revokes: revokesMasterKey(masterKeyId, revision),
      };
    }
    if ((await findMasterKey(tx, masterKeyId)) === undefined)
      throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    return { answer: {}, events: [], revokes: { alreadyTold: true, audience: { masterKeyId } } };
  });
  return propagation;
}
