import { newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import type { OrganizationStatus } from '../../domain/organization.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import { updateOrganizationStatus } from '../../stores/postgres/organizations.ts';
import type { PropagationWatch } from '../../stores/postgres/propagation.ts';

export type StatusParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  propagation: PropagationWatch;
};

/** A change of status inside a transaction, of which it is the end. Answers with the place in the feed that every verifier must have reached. */
export async function setStatusInTx(
  { randomBytes }: Pick<StatusParts, 'randomBytes'>,
  tx: Tx,
  origin: Origin,
  change: { id: string; status: OrganizationStatus; now: Date },
): Promise<number | undefined> {
  const { id, status, now } = change;
  const revision = await updateOrganizationStatus(tx, change);
  // It has that status already: whoever asks again is told "complete" no sooner than whoever asked first.
  if (revision === undefined) return findLastKeyChangeSeq(tx);
  const event = newAuditEvent({ now, randomBytes }, origin, {
    eventType: 'organization.status_changed',
    organizationId: id,
    targetId: id,
    details: { status },
  });
  await insertAuditEvents(tx, [event]);
  return appendKeyChanges(tx, [{ kind: 'organization', subjectId: id, revision, status }]);
}
