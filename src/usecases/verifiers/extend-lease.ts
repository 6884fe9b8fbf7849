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
  /** Maximum verifiers of one master key with a lease at a time. */
  verifiersMax: number;
};

/**
 * `isExtended` is false for a verifier that has to catch up first; `toldSeq` is what it must report
 * next.
 */
export type ExtendedLease = { isExtended: boolean; toldSeq: number };

/** Maximum changes in one answer. */
export const changesPerReadMax = 1_000;

/**
 * Stores the position that a verifier has applied, and extends its lease. A lapsed lease is renewed
 * if its master key has room. Errors: `VERIFIER_NOT_FOUND`; `VERIFIER_BEHIND` when the reported
 * position is lower than an earlier one (the verifier is ended and must register again);
 * `RATE_LIMITED`; `AUTHENTICATION_REQUIRED`.
 */
export async function extendLease(parts: ExtendParts, report: Report): Promise<ExtendedLease> {
  const { db, turns } = parts;
  const options = { changesPerRead: changesPerReadMax, mayRevive: false };
  const extended = await extendEmbeddedLease(db, report, options);
  if (extended !== undefined) return extended;
  const outcome = await turns.run(`verifiers ${report.masterKeyId}`, () =>
    db.transaction().execute((tx) => reviveOrEnd(tx, parts, report)),
  );
  // Thrown after the transaction, which must commit the end of the verifier.
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
