import type { Origin } from '../../domain/audit-event.ts';
import { isSpiffeId, isSubject } from '../../domain/client-certificate.ts';
import { type FlowplateError, validationError } from '../../domain/errors.ts';
import { unsetMasterKeySettings } from '../../domain/master-key-settings.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isAudience, isSubjectPattern, overlaps, type TokenRule } from '../../domain/workload-token.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  findCertificateRule,
  listTokenRules,
  lockMasterKeys,
} from '../../stores/postgres/master-keys/master-keys.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import {
  type MasterKeyParts,
  type MasterKeyRequest,
  newMasterKey,
  revokesMasterKey,
  storeMasterKey,
} from './issue-master-key.ts';
import { type MasterKeyView, toMasterKeyView, unused } from './master-key-view.ts';

export type WorkloadCredential = { certificate: string } | { token: TokenRule };

/**
 * Creates a master key without a secret. Its credential is the client certificate that names
 * `certificate`, a SPIFFE id or a subject; or the tokens that `token` admits. `VALIDATION_ERROR`
 * while another living rule admits the same; `STEP_UP_REQUIRED`.
 */
export async function createWorkloadRule(
  parts: MasterKeyParts,
  by: Caller<PlatformPrincipal> | Origin,
  request: MasterKeyRequest & WorkloadCredential,
): Promise<MasterKeyView> {
  requireWellFormed(request);
  const stored = 'token' in request ? { token: request.token } : { certificate: request.certificate };
  const masterKey = newMasterKey(parts, request, {
    keyPrefix: null,
    certificate: null,
    token: null,
    ...stored,
  });
  const settings = request.settings ?? unsetMasterKeySettings;
  const { answer } = await change<MasterKeyView>(parts, { by }, async (tx, now) => {
    await requireConfirmed(tx, by, now);
    await lockMasterKeys(tx);
    await requireFree(tx, request);
    return {
      answer: toMasterKeyView(masterKey, masterKey.createdAt, { ...unused, settings }),
      events: [await storeMasterKey(tx, { masterKey, stored, settings })],
      // API processes remember which rules there are.
      revokes: revokesMasterKey(masterKey.id, masterKey.revision),
    };
  });
  return answer;
}

function requireWellFormed(credential: WorkloadCredential): void {
  if ('certificate' in credential) {
    const { certificate } = credential;
    if (isSpiffeId(certificate) || isSubject(certificate)) return;
    throw refused(
      'certificate',
      'must be a whole SPIFFE id (spiffe://…/…), or a subject as RFC 2253 writes it, in ASCII',
    );
  }
  const { issuer, audience, subject } = credential.token;
  if (!isAudience(issuer)) throw refused('issuer', 'must have 1 to 512 visible ASCII characters');
  if (!isAudience(audience)) throw refused('audience', 'must have 1 to 512 visible ASCII characters');
  if (!isSubjectPattern(subject))
    throw refused(
      'subject',
      'must have visible ASCII characters, and * only as a whole segment between : and /',
    );
}

async function requireFree(tx: Tx, credential: WorkloadCredential): Promise<void> {
  const other =
    'certificate' in credential
      ? await findCertificateRule(tx, credential.certificate)
      : (await listTokenRules(tx)).find((rule) => overlaps(rule, credential.token));
  if (other === undefined) return;
  const path = 'certificate' in credential ? 'certificate' : 'subject';
  throw refused(path, `belongs to ${other.id}: revoke that first`);
}

function refused(path: string, message: string): FlowplateError {
  return validationError([{ path, message }]);
}
