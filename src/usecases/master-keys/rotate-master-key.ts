import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { isUsable } from '../../domain/master-key.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import { expireMasterKey, findMasterKey } from '../../stores/postgres/master-keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import {
  type CreatedMasterKey,
  issueMasterKey,
  type MasterKeyParts,
  storeMasterKey,
} from './issue-master-key.ts';

/**
 * Gives a master key a successor with the same name and rights. The old one goes on for `overlapSeconds`, so that its holders
 * can be moved one by one; 0 ends it at once. `MASTER_KEY_NOT_FOUND` when there is none, or it has ended.
 */
export async function rotateMasterKey(
  parts: MasterKeyParts & { propagation: PropagationWatch },
  origin: Origin,
  request: { masterKeyId: string; overlapSeconds: number },
): Promise<CreatedMasterKey & { propagation: Propagation }> {
  const now = parts.clock.now();
  const old = await findMasterKey(parts.db, request.masterKeyId);
  if (old === undefined || !isUsable(old, now.getTime())) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
  const issued = await issueMasterKey(parts, { ...old, expiresAt: old.expiresAt });
  const changeSeq = await parts.db.transaction().execute(async (tx) => {
    const at = new Date(now.getTime() + request.overlapSeconds * 1_000);
    const revision = await expireMasterKey(tx, { id: old.id, at, now });
    if (revision === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    await storeMasterKey(parts, tx, origin, issued);
    const event = newAuditEvent({ now, randomBytes: parts.randomBytes }, origin, {
      eventType: 'master_key.rotated',
      organizationId: null,
      targetId: old.id,
      details: { successor_id: issued.masterKey.id, overlap_seconds: request.overlapSeconds },
    });
    await insertAuditEvents(tx, [event]);
    return appendKeyChanges(tx, [{ kind: 'master_key', subjectId: old.id, revision, status: null }]);
  });
  const propagation = await parts.propagation.wait(changeSeq);
  return { masterKey: issued.masterKey, secret: issued.secret, propagation };
}
