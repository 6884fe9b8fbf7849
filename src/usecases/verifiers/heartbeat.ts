import type { AppliedChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { ChangeSignal } from '../../revocation/change-signal.ts';
import { listKeyChangesAfter } from '../../stores/postgres/verifiers/change-feed.ts';
import { updateToldSeq } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { changesPerReadMax, type ExtendParts, extendLease } from './extend-lease.ts';
import type { NewestHeartbeats } from './newest-heartbeats.ts';
import type { VerifierLimits } from './verifier-limits.ts';
import { visibleChanges } from './visible-changes.ts';

export type HeartbeatParts = ExtendParts & {
  changes: ChangeSignal;
  limits: VerifierLimits;
  newest: NewestHeartbeats;
};

export type Beat = {
  verifierId: string;
  appliedSeq: number;
  /** What an earlier answer confirmed. */
  acknowledgedSeq: number;
  waitMs: number;
  /** Aborts when nobody waits for the answer any more. */
  left: AbortSignal;
  /** Whether this process wants to end. */
  isDraining: () => boolean;
};

/**
 * `hasMore`: the feed goes on, or the lease was not extended, so these alone do not justify a
 * lease.
 */
export type Heard = { changes: AppliedChange[]; appliedSeq: number; hasMore: boolean };

const drainLookMs = 250;

/**
 * The lease of an embedded verifier, one beat of it, in the one order that is safe
 * (verify/lease.ts): (1) write down what it has applied and extend the lease, committed; (2) in a
 * new snapshot read the changes after that. Without any it waits for this process to hear of one,
 * for `waitMs` at most, and reads again, and again, without extending: the verifier counts its
 * lease from before it sent, so a long wait only shortens what is left of it. The wait holds no
 * connection of the database.
 *
 * What the answer tells must be reported as applied before the lease is extended again. Errors:
 * those of `extendLease`.
 */
export async function heartbeat(
  parts: HeartbeatParts,
  principal: MasterKeyPrincipal,
  beat: Beat,
): Promise<Heard> {
  const { verifierId: id, appliedSeq, acknowledgedSeq } = beat;
  return parts.limits.runHeartbeat(principal.id, async () => {
    const report = { id, masterKeyId: principal.id, appliedSeq, acknowledgedSeq };
    const { isExtended, toldSeq } = await extendLease(parts, report);
    const read = await parts.newest.run(id, (newer) =>
      readOrWait(parts, { ...beat, left: AbortSignal.any([beat.left, newer]) }),
    );
    const readSeq = read.at(-1)?.seq ?? appliedSeq;
    if (isExtended && readSeq > toldSeq) await updateToldSeq(parts.db, id, readSeq);
    return {
      // The place in the feed moves on past what is not for this verifier: a revoke waits for the
      // place.
      changes: visibleChanges(principal, read),
      appliedSeq: readSeq,
      hasMore: !isExtended || read.length === changesPerReadMax,
    };
  });
}

/**
 * The changes after the reported place, as soon as there are any; none when the wait is over, or a
 * newer heartbeat ends it.
 */
async function readOrWait({ db, changes }: HeartbeatParts, beat: Beat): Promise<AppliedChange[]> {
  const untilMs = performance.now() + beat.waitMs;
  for (let isOver = false; ; ) {
    // Before the read: what is told while it runs ends the wait at once. What an earlier read has
    // brought may be told only now; then this one brings nothing, and waits again. An answer
    // without news would let the verifier pause while a revoke waits for it.
    const told = changes.count;
    const read = await listKeyChangesAfter(db, beat.appliedSeq, changesPerReadMax);
    if (read.length > 0 || isOver) return read;
    await waitForChange(changes, told, untilMs, beat);
    if (beat.left.aborted) return read;
    isOver = changes.count === told;
  }
}

/** In slices, so that a process that wants to end need not wait for those who wait. */
async function waitForChange(
  changes: ChangeSignal,
  told: number,
  untilMs: number,
  beat: Beat,
): Promise<void> {
  while (changes.count === told && !beat.left.aborted && !beat.isDraining()) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) return;
    await changes.moreThan(told, Math.min(leftMs, drainLookMs), beat.left);
  }
}
