import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { isUsable } from '../../domain/master-key.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import { expireMasterKey, findMasterKey, revokeMasterKey } from '../../stores/postgres/master-keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { replayable } from '../replay.ts';
import {
  type CreatedMasterKey,
  issueMasterKey,
  type MasterKeyParts,
  storeMasterKey,
  toCreated,
} from './issue-master-key.ts';

type Rotated = { created: CreatedMasterKey; changeSeq: number | undefined };

/**
 * Gives a master key a successor with the same name and rights. The old one goes on for `overlapSeconds`, so that its holders
 * can be moved one by one; 0 ends it at once. `MASTER_KEY_NOT_FOUND` when there is none, or it has ended.
 */
export async function rotateMasterKey(
  parts: MasterKeyParts & { propagation: PropagationWatch; turns: Turns },
  origin: Origin,
  request: { masterKeyId: string; overlapSeconds: number },
  idempotency?: Idempotency,
): Promise<CreatedMasterKey & { propagation: Propagation; isReplay: boolean }> {
  const now = parts.clock.now();
  const { answer, isReplay } = await replayable<Rotated>({ ...parts, now }, idempotency, async (keep) => {
    const old = await findMasterKey(parts.db, request.masterKeyId);
    if (old === undefined || !isUsable(old, now.getTime())) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    const issued = await issueMasterKey(parts, old);
    return parts.db.transaction().execute(async (tx) => {
      const revision = await endOld(tx, old.id, request.overlapSeconds, now);
      if (revision === undefined) throw new FlowplateError('MASTER_KEY_NOT_FOUND');
      await storeMasterKey(parts, tx, origin, issued);
      const event = newAuditEvent({ now, randomBytes: parts.randomBytes }, origin, {
        eventType: 'master_key.rotated',
        organizationId: null,
        targetId: old.id,
        details: { successor_id: issued.masterKey.id, overlap_seconds: request.overlapSeconds },
      });
      await insertAuditEvents(tx, [event]);
      const change = { kind: 'master_key' as const, subjectId: old.id, revision, status: null };
      const rotated = { created: toCreated(issued), changeSeq: await appendKeyChanges(tx, [change]) };
      await keep(tx, rotated);
      return rotated;
    });
  });
  const propagation = await parts.propagation.wait(answer.changeSeq);
  return { ...answer.created, propagation, isReplay };
}

/** At once means revoked, not expired now: another process's clock may be some milliseconds behind ours. */
function endOld(tx: Tx, id: string, overlapSeconds: number, now: Date): Promise<number | undefined> {
  if (overlapSeconds === 0) return revokeMasterKey(tx, { id, at: now });
  return expireMasterKey(tx, { id, at: new Date(now.getTime() + overlapSeconds * 1_000), now });
}
