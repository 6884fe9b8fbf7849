import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError, validationError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { isUsable } from '../../domain/master-key.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  expireMasterKey,
  findMasterKey,
  revokeMasterKey,
} from '../../stores/postgres/master-keys/master-keys.ts';
import { carryMintsOver } from '../../stores/postgres/master-keys/mint-bounds.ts';
import { findMasterKeySettings } from '../../stores/postgres/master-keys/settings.ts';
import { endVerifiersOf } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import {
  type CreatedMasterKey,
  issueMasterKey,
  type MasterKeyParts,
  revokesMasterKey,
  storeMasterKey,
  toCreated,
} from './issue-master-key.ts';

const noSecret = 'is a rule for certificates or tokens, which has no secret to rotate: create another one';

/**
 * Creates a successor with the same name, rights and bounds. The old key works for
 * `overlapSeconds` longer, so that its holders can move one by one; 0 ends it at once.
 * `MASTER_KEY_NOT_FOUND` when there is none, or it has ended; `VALIDATION_ERROR` for one without a
 * secret; `STEP_UP_REQUIRED`.
 */
export async function rotateMasterKey(
  parts: MasterKeyParts,
  by: Caller<PlatformPrincipal> | Origin,
  request: { masterKeyId: string; overlapSeconds: number },
  idempotency?: Idempotency,
): Promise<CreatedMasterKey & { propagation: Propagation; isReplay: boolean }> {
  const { masterKeyId, overlapSeconds } = request;
  const options = { by, ends: [masterKeyId], idempotency };
  const { answer, ...rest } = await change<{ created: CreatedMasterKey }>(parts, options, async (tx, now) => {
    const old = await findMasterKey(tx, masterKeyId);
    if (old === undefined || !isUsable(old, now.getTime())) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    if (old.certificate !== null || old.token !== null)
      throw validationError([{ path: 'id', message: noSecret }]);
    await requireConfirmed(tx, by, now);
    const issued = await issueMasterKey(parts, { ...old, settings: await findMasterKeySettings(tx, old.id) });
    const revision = await endOld(tx, old.id, overlapSeconds, now);
    if (revision === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    const details = { successor_id: issued.masterKey.id, overlap_seconds: overlapSeconds };
    const created = await storeMasterKey(tx, issued);
    await carryMintsOver(tx, { from: old.id, to: issued.masterKey.id });
    return {
      answer: { created: toCreated(issued) },
      events: [created, { eventType: 'master_key.rotated', organizationId: null, targetId: old.id, details }],
      revokes: revokesMasterKey(old.id, revision),
    };
  });
  return { ...answer.created, ...rest };
}

/** Revoked instead of expired now: another process's clock may be some milliseconds behind. */
async function endOld(tx: Tx, id: string, overlapSeconds: number, now: Date): Promise<number | undefined> {
  if (overlapSeconds === 0) {
    await endVerifiersOf(tx, id);
    return revokeMasterKey(tx, { id, reason: 'superseded', at: now });
  }
  return expireMasterKey(tx, { id, at: new Date(now.getTime() + overlapSeconds * 1_000), now });
}
