import type { KeyedQueue } from '../../concurrency/keyed-queue.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { holdMasterKey } from '../../stores/postgres/authority.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import {
  endVerifier,
  extendEmbeddedLease,
  lockVerifiers,
  type Report,
} from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { credentialEnded } from '../authority.ts';
import { requireRoom } from './require-room.ts';

export type ExtendParts = {
  db: Database;
  turns: KeyedQueue;
  /** Verifiers of one master key that may hold a lease at the same time. */
  verifiersMax: number;
};

/**
 * `isExtended` is false for a verifier that has to catch up first; `toldSeq` is what it must report
 * next.
 */
export type ExtendedLease = { isExtended: boolean; toldSeq: number };

/** As many changes as one answer carries. */
export const changesPerReadMax = 1_000;

/**
 * Writes down what a verifier has applied, and extends its lease. A lease that lapsed begins again
 * if its master key still has room for it. Errors: `VERIFIER_NOT_FOUND`, `VERIFIER_BEHIND` when it
 * reports less than it was told (it is ended, and must register anew), `RATE_LIMITED`,
 * `AUTHENTICATION_REQUIRED`.
 */
export async function extendLease(parts: ExtendParts, report: Report): Promise<ExtendedLease> {
  const { db, turns } = parts;
  const options = { changesPerRead: changesPerReadMax, mayRevive: false };
  const extended = await extendEmbeddedLease(db, report, options);
  if (extended !== undefined) return extended;
  const outcome = await turns.run(`verifiers ${report.masterKeyId}`, () =>
    db.transaction().execute((tx) => reviveOrEnd(tx, parts, report)),
  );
  // Thrown here and not in the transaction, which must commit the end of a verifier.
  if (outcome === 'behind') throw new FlowplateError('VERIFIER_BEHIND');
  return outcome;
}

async function reviveOrEnd(
  tx: Tx,
  { verifiersMax }: ExtendParts,
  report: Report,
): Promise<ExtendedLease | 'behind'> {
  if (!(await holdMasterKey(tx, report.masterKeyId))) throw credentialEnded();
  const verifiers = await lockVerifiers(tx, report.masterKeyId);
  const own = verifiers.find(({ id }) => id === report.id);
  if (own === undefined || own.isEnded || own.appliedSeq < report.acknowledgedSeq) {
    throw new FlowplateError('VERIFIER_NOT_FOUND');
  }
  if (report.appliedSeq < own.toldSeq) {
    await endVerifier(tx, own.id);
    return 'behind';
  }
  if (!own.isLive) requireRoom(verifiers, verifiersMax);
  const options = { changesPerRead: changesPerReadMax, mayRevive: true };
  const extended = await extendEmbeddedLease(tx, report, options);
  if (extended === undefined) throw credentialEnded();
  return extended;
}
