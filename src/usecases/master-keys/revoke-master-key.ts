import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import { findMasterKey, revokeMasterKey as markRevoked } from '../../stores/postgres/master-keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';

/** Ends a master key at once; again is a success. `MASTER_KEY_NOT_FOUND` when there never was one. */
export async function revokeMasterKey(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes; propagation: PropagationWatch },
  origin: Origin,
  masterKeyId: string,
): Promise<Propagation> {
  const now = parts.clock.now();
  const changeSeq = await parts.db.transaction().execute(async (tx) => {
    const revision = await markRevoked(tx, { id: masterKeyId, at: now });
    if (revision === undefined) {
      if ((await findMasterKey(tx, masterKeyId)) === undefined)
        throw new FlowplateError('MASTER_KEY_NOT_FOUND');
      return findLastKeyChangeSeq(tx);
    }
    const event = newAuditEvent({ now, randomBytes: parts.randomBytes }, origin, {
      eventType: 'master_key.revoked',
      organizationId: null,
      targetId: masterKeyId,
      details: {},
    });
    await insertAuditEvents(tx, [event]);
    return appendKeyChanges(tx, [{ kind: 'master_key', subjectId: masterKeyId, revision, status: null }]);
  });
  return parts.propagation.wait(changeSeq);
}
