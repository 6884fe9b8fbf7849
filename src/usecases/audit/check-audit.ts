import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import {
  type CheckPlace,
  findNextSeal,
  moveCheckPlace,
  noteAuditFault,
  readCheckPlace,
} from '../../stores/postgres/audit/faults.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { commitAt } from '../change.ts';
import { type AuditFault, type AuditVerification, type ChainParts, verifyChain } from './audit-chain.ts';

/** Some tenths of a second of work. */
const eventsPerRun = 10_000;

/** A pass begins so long after the one before began, at the earliest. */
const passMs = 3_600_000;

export type CheckAuditParts = ChainParts & {
  db: Database;
  randomBytes: RandomBytes;
  onAuditFault: (fault: AuditFault) => void;
};

/**
 * Checks the next part of the sealed audit log, pass after pass, and writes `audit.fault` for each
 * fault that is new. Behind a fault the check goes on. Returns the number of checked events.
 */
export async function checkAudit(parts: CheckAuditParts): Promise<number> {
  const now = await readServerTime(parts.db);
  const from = await readCheckPlace(parts.db);
  if (from.afterSeq === 0 && now.getTime() - from.beganAt.getTime() < passMs) return 0;
  const beganAt = from.afterSeq === 0 ? now : from.beganAt;
  const request = { fromSeq: from.afterSeq + 1, limit: eventsPerRun };
  const verification = await verifyChain(parts, request, AbortSignal.timeout(passMs));
  const fault = verification.firstFault;
  const to = await nextPlace(parts.db, verification, { afterSeq: from.afterSeq, beganAt });
  const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
    const isMoved = await moveCheckPlace(tx, from, to);
    const isNew = isMoved && fault !== null && (await noteAuditFault(tx, fault, now));
    return { answer: { isNew }, events: isNew ? [faultEvent(fault)] : [], revokes: revokesNothing };
  });
  if (answer.isNew && fault !== null) parts.onAuditFault(fault);
  return verification.events;
}

/** Behind the fault, else behind what was checked. 0 at the end of the log: a new pass. */
async function nextPlace(
  db: Database,
  { firstFault, verifiedThrough, sealedThrough }: AuditVerification,
  { afterSeq, beganAt }: CheckPlace,
): Promise<CheckPlace> {
  const seq = firstFault?.seq ?? null;
  // A hole in the chain ends with the next seal, whose own hash nothing before it can prove.
  const faulty = firstFault?.kind === 'seal_missing' ? await findNextSeal(db, (seq ?? 0) - 1) : seq;
  const next = Math.max(verifiedThrough, faulty ?? 0);
  const isEnd = next >= sealedThrough || next <= afterSeq;
  return { afterSeq: isEnd ? 0 : next, beganAt };
}

function faultEvent({ kind, seq, eventId }: AuditFault) {
  return {
    eventType: 'audit.fault' as const,
    organizationId: null,
    targetId: eventId ?? `seal ${seq}`,
    details: { kind, ...(seq === null ? {} : { seq }), ...(eventId === null ? {} : { event_id: eventId }) },
  };
}
