import type { Origin } from '../../domain/audit-event.ts';
import { isSpiffeId, isSubject } from '../../domain/client-certificate.ts';
import { validationError } from '../../domain/errors.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findCertificateRule, lockMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import {
  type MasterKeyParts,
  type MasterKeyRequest,
  newMasterKey,
  revokesMasterKey,
  storeMasterKey,
} from './issue-master-key.ts';
import { type MasterKeyView, toMasterKeyView } from './master-key-view.ts';

/**
 * Creates a certificate rule: a master key whose credential is the client certificate that names
 * `certificate`, a SPIFFE id or a subject. There is no secret. `VALIDATION_ERROR` while another
 * living rule has the same; `STEP_UP_REQUIRED`.
 */
export async function createCertificateRule(
  parts: MasterKeyParts,
  by: Caller<PlatformPrincipal> | Origin,
  request: MasterKeyRequest & { certificate: string },
): Promise<MasterKeyView> {
  const { certificate } = request;
  if (!isSpiffeId(certificate) && !isSubject(certificate)) {
    throw refused('must be a whole SPIFFE id (spiffe://…/…), or a subject as RFC 2253 writes it, in ASCII');
  }
  const masterKey = newMasterKey(parts, request, { keyPrefix: null, certificate });
  const { answer } = await change<MasterKeyView>(parts, { by }, async (tx, now) => {
    await requireConfirmed(tx, by, now);
    await lockMasterKeys(tx);
    const other = await findCertificateRule(tx, certificate);
    if (other !== undefined) throw refused(`belongs to ${other.id}: revoke that first`);
    return {
      answer: toMasterKeyView(masterKey, masterKey.createdAt),
      events: [await storeMasterKey(tx, { masterKey, stored: { certificate } })],
      // API processes remember which certificates have no rule.
      revokes: revokesMasterKey(masterKey.id, masterKey.revision),
    };
  });
  return answer;
}

function refused(message: string) {
  return validationError([{ path: 'certificate', message }]);
}
