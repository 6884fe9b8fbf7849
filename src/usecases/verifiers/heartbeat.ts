import { FlowplateError } from '../../domain/errors.ts';
import type { AppliedChange } from '../../domain/key-change.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listKeyChangesAfter } from '../../stores/postgres/key-changes.ts';
import { acknowledgeAndExtend } from '../../stores/postgres/verifiers.ts';
import type { ChangeSignal } from './change-signal.ts';
import { visibleChanges } from './visible-changes.ts';

export type HeartbeatParts = { db: Database; leaseMs: number; changes: ChangeSignal };

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

/** `hasMore`: the feed goes on, so these alone do not justify a lease. */
export type Heard = { changes: AppliedChange[]; appliedSeq: number; hasMore: boolean };

const changesPerReadMax = 1_000;
const drainLookMs = 250;

/**
 * The lease of an embedded verifier, one beat of it, in the one order that is safe (verify/lease.ts): (1) write down what it has
 * applied and extend the lease, committed; (2) in a new snapshot read the changes after that. Without any it waits for this
 * process to hear of one, for `waitMs` at most, and reads again, and again, without extending: the verifier counts its lease from
 * before it sent, so a long wait only shortens what is left of it. `VERIFIER_NOT_FOUND` when it must register anew.
 */
export async function heartbeat(
  parts: HeartbeatParts,
  principal: MasterKeyPrincipal,
  beat: Beat,
): Promise<Heard> {
  const { db, leaseMs, changes } = parts;
  const isKnown = await acknowledgeAndExtend(db, {
    id: beat.verifierId,
    masterKeyId: principal.id,
    appliedSeq: beat.appliedSeq,
    acknowledgedSeq: beat.acknowledgedSeq,
    leaseMs,
  });
  if (!isKnown) throw new FlowplateError('VERIFIER_NOT_FOUND');
  const untilMs = performance.now() + beat.waitMs;
  for (let isOver = false; ; ) {
    // Before the read: what is told while it runs ends the wait at once. What an earlier read has brought may be told only now; then
    // this one brings nothing, and waits again. An answer without news would let the verifier pause while a revoke waits for it.
    const told = changes.count;
    const heard = await read(db, principal, beat.appliedSeq);
    if (heard.appliedSeq > beat.appliedSeq || isOver) return heard;
    await waitForChange(changes, told, untilMs, beat);
    if (beat.left.aborted) return heard;
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

async function read(db: Database, principal: MasterKeyPrincipal, appliedSeq: number): Promise<Heard> {
  const changes = await listKeyChangesAfter(db, appliedSeq, changesPerReadMax);
  // The place in the feed moves on past what is not for this verifier: whoever revokes waits for the place.
  return {
    changes: visibleChanges(principal, changes),
    appliedSeq: changes.at(-1)?.seq ?? appliedSeq,
    hasMore: changes.length === changesPerReadMax,
  };
}
