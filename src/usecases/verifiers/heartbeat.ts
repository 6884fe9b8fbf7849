import { FlowplateError } from '../../domain/errors.ts';
import type { AppliedChange, ToldChange } from '../../domain/key-change.ts';
import { toKeyStop } from '../../domain/key-stop.ts';
import type { MasterKeyPrincipal } from '../../domain/principal.ts';
import type { ChangeSignal } from '../../revocation/change-signal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listKeyChangesAfter } from '../../stores/postgres/verifiers/change-feed.ts';
import { endVerifier, updateToldSeq } from '../../stores/postgres/verifiers/embedded-verifiers.ts';
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
  /** Position that an earlier answer confirmed. */
  acknowledgedSeq: number;
  waitMs: number;
  /** Aborts when the client disconnects. */
  signal: AbortSignal;
  /** Whether this process is shutting down. */
  isDraining: () => boolean;
};

/**
 * `hasMore`: the feed continues, or the lease was not extended. These changes alone then justify no
 * lease.
 */
export type HeartbeatAnswer = { changes: readonly ToldChange[]; appliedSeq: number; hasMore: boolean };

const drainLookMs = 250;

/**
 * Heartbeat of an embedded verifier, a long poll, in the one order that is safe
 * (revocation/lease.ts): (1) store the position it has applied and extend the lease, committed; (2)
 * in a new snapshot read the changes after that. Without changes it waits for one, for `waitMs` at
 * most, and reads again, without extending. The verifier counts its lease from before it sent, so a
 * long wait only shortens the rest of it. The wait holds no database connection. Changes in the
 * answer must be reported as applied before the next extension. Errors: those of `extendLease`.
 */
export async function heartbeat(
  parts: HeartbeatParts,
  principal: MasterKeyPrincipal,
  beat: Beat,
): Promise<HeartbeatAnswer> {
  const { verifierId: id, appliedSeq, acknowledgedSeq } = beat;
  return parts.limits.runHeartbeat(principal.id, async () => {
    const report = { id, masterKeyId: principal.id, appliedSeq, acknowledgedSeq };
    const { isExtended, toldSeq } = await extendLease(parts, report);
    const read = await parts.newest.run(id, (newer) =>
      readOrWait(parts, { ...beat, signal: AbortSignal.any([beat.signal, newer]) }),
    );
    if (read.some((change) => toKeyStop(change) !== undefined)) await endBeforeStop(parts.db, id);
    const readSeq = read.at(-1)?.seq ?? appliedSeq;
    if (isExtended && readSeq > toldSeq) await updateToldSeq(parts.db, id, readSeq);
    return {
      // The position also moves past changes that this verifier cannot see, because a revoke waits
      // for the position.
      changes: visibleChanges(principal, read),
      appliedSeq: readSeq,
      hasMore: !isExtended || read.length === changesPerReadMax,
    };
  });
}

/**
 * Ends a verifier that would be told of a stop. Only those that follow a hub are known to apply
 * one; earlier releases send heartbeats as well. It empties its caches and registers again, behind
 * the stop.
 */
async function endBeforeStop(db: Database, id: string): Promise<never> {
  await endVerifier(db, id);
  throw new FlowplateError('VERIFIER_NOT_FOUND', {
    systemMessage: 'Keys were stopped all at once: empty the caches and register again',
  });
}

/**
 * Changes after the reported position, as soon as there are any. None when the wait is over, or a
 * newer heartbeat ends it.
 */
async function readOrWait({ db, changes }: HeartbeatParts, beat: Beat): Promise<AppliedChange[]> {
  const untilMs = performance.now() + beat.waitMs;
  for (let isOver = false; ; ) {
    // Reads the counter before the feed, so that a change during the read ends the wait. Never
    // returns empty early: the verifier would pause while a revoke waits for it.
    const version = changes.version;
    const read = await listKeyChangesAfter(db, beat.appliedSeq, changesPerReadMax);
    if (read.length > 0 || isOver) return read;
    await waitInSlices(changes, version, untilMs, beat);
    if (beat.signal.aborted) return read;
    // The read above was empty, in a snapshot after the lease. So what this process has applied
    // since is all that there is, and need not be read by each waiting heartbeat.
    const heard = changes.changesAfter(beat.appliedSeq);
    if (heard.length > 0) return heard;
    isOver = changes.version === version;
  }
}

/** Waits in slices, so that a shutdown does not wait for long polls. */
async function waitInSlices(
  changes: ChangeSignal,
  version: number,
  untilMs: number,
  beat: Beat,
): Promise<void> {
  while (changes.version === version && !beat.signal.aborted && !beat.isDraining()) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) return;
    await changes.waitForChange(version, Math.min(leftMs, drainLookMs), beat.signal);
  }
}
