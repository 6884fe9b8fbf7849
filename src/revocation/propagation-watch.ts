import { AsyncLocalStorage } from 'node:async_hooks';
import { type Audience, type FollowingChange, isConcerned } from '../domain/key-change.ts';
import type { Propagation } from '../domain/propagation.ts';
import type { Database } from '../stores/postgres/database.ts';
import { listLiveVerifiers, type VerifierProgress } from '../stores/postgres/verifiers/verifiers.ts';
import type { Tracing } from '../tracing/tracing.ts';

/**
 * Position in the feed that the verifiers of an audience must reach. `following`: the change
 * itself, when it is the only one of its transaction.
 */
export type Told = { seq: number; audience: Audience; following?: FollowingChange };

/**
 * A healthy verifier answers within a few milliseconds. One that hangs must not delay the caller
 * for its whole lease.
 */
const waitMsMax = 2_000;

/**
 * Pauses between looks that nothing wakes: acknowledgements wake those in this process, and
 * notifications those of others. Processes of the release before send none.
 */
const firstPauseMs = 2;
const pauseMsMax = 50;

type Waiter = Told & { startedMs: number; resolve: (propagation: Propagation) => void };

/**
 * Waits, after a commit, until every verifier with a live lease has applied it. All waiters of a
 * process share one poll.
 */
export class PropagationWatch {
  readonly #db: Database;
  readonly #onSettled: (propagation: Propagation) => void;
  readonly #tracing: Tracing | undefined;
  readonly #waiters = new Set<Waiter>();
  /** Root context: the poll is shared, so it belongs to no waiter's trace. */
  readonly #outsideOfTraces = AsyncLocalStorage.snapshot();
  /** Longest known lease: a verifier keeps the length that it registered with. */
  #leaseMsMax: number;
  #polling = false;
  #pauseMs = firstPauseMs;
  #isWoken = false;
  #endPause: () => void = () => undefined;

  /** `onSettled` is called for each change that was waited for, confirmed in time or not. */
  constructor(
    db: Database,
    leaseMs: number,
    onSettled: (propagation: Propagation) => void = () => undefined,
    tracing?: Tracing,
  ) {
    this.#db = db;
    this.#tracing = tracing;
    this.#leaseMsMax = leaseMs;
    this.#onSettled = onSettled;
  }

  /** Notes that some verifier has leases of this length. */
  noteLease(leaseMs: number): void {
    this.#leaseMsMax = Math.max(this.#leaseMsMax, leaseMs);
  }

  /** A verifier has reported a position: looks now. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause();
  }

  /** Undefined stands for a change that turned no yes into a no: complete at once. */
  async wait(told: Told | undefined): Promise<Propagation> {
    if (told === undefined) return settled(nobody, 0);
    const endSpan = this.#tracing?.wait('wait for propagation');
    const propagation = await this.#waitFor(told);
    endSpan?.({
      'flowplate.propagation': propagation.isComplete ? 'complete' : 'pending',
      'flowplate.propagation.acknowledged': propagation.acknowledged,
      'flowplate.propagation.total': propagation.total,
    });
    return propagation;
  }

  #waitFor(told: Told): Promise<Propagation> {
    return new Promise((resolve) => {
      this.#waiters.add({ ...told, startedMs: performance.now(), resolve });
      this.#pauseMs = firstPauseMs;
      if (!this.#polling) void this.#outsideOfTraces(() => this.#poll());
    });
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#waiters.size > 0) {
      this.#isWoken = false;
      // Only waiters from before the read: their commit lies before its snapshot.
      const asking = [...this.#waiters];
      await listLiveVerifiers(this.#db).then(
        (verifiers) => {
          for (const { leaseMs } of verifiers) this.noteLease(leaseMs);
          this.#judge(asking, verifiers);
        },
        () => this.#giveUp(asking),
      );
      if (this.#waiters.size > 0) await this.#pause();
    }
    this.#polling = false;
  }

  async #pause(): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, pauseMsMax);
  }

  #judge(asking: Waiter[], verifiers: VerifierProgress[]): void {
    for (const waiter of asking) {
      const waitedMs = performance.now() - waiter.startedMs;
      const arrival = arrivalOf(waiter, verifiers);
      if (arrival.behind.length > 0 && waitedMs < waitMsMax) continue;
      this.#settle(waiter, settled(arrival, waitedMs));
    }
  }

  /**
   * The change is committed, but its arrival cannot be read. Leases alive at the commit last one
   * full lease at most. Leases extended later include the change.
   */
  #giveUp(asking: Waiter[]): void {
    for (const waiter of asking) {
      const waitedMs = performance.now() - waiter.startedMs;
      if (waitedMs < waitMsMax) continue;
      this.#settle(waiter, {
        isComplete: false,
        acknowledged: 0,
        total: 1,
        waitedMs,
        effectiveBy: new Date(Date.now() - waitedMs + this.#leaseMsMax),
        heldUpBy: [],
      });
    }
  }

  #settle(waiter: Waiter, propagation: Propagation): void {
    this.#waiters.delete(waiter);
    this.#onSettled(propagation);
    waiter.resolve(propagation);
  }
}

/** How far a change has come: verifiers that it concerns, and those that have not applied it. */
type Arrival = {
  total: number;
  acknowledged: number;
  behind: { id: string; masterKeyId: string | null; leaseUntil: Date }[];
};

const nobody: Arrival = { total: 0, acknowledged: 0, behind: [] };

function arrivalOf({ seq, audience }: Told, verifiers: readonly VerifierProgress[]): Arrival {
  const arrivals = verifiers
    .filter((verifier) => isConcerned(audience, verifier))
    .map((verifier): Arrival => {
      const groups = verifier.followers.filter((group) => isConcerned(audience, group));
      const total = 1 + groups.reduce((sum, { count }) => sum + count, 0);
      // Of followers whose hub is behind nothing is known.
      if (verifier.appliedSeq < seq) return { total, acknowledged: 0, behind: [verifier] };
      const behind = groups.flatMap(({ masterKeyId, laggards }) =>
        laggards
          .filter(({ appliedSeq }) => appliedSeq < seq)
          .map(({ id }) => ({ id, masterKeyId, leaseUntil: verifier.leaseUntil })),
      );
      return { total, acknowledged: Math.max(0, total - behind.length), behind };
    });
  return {
    total: arrivals.reduce((sum, { total }) => sum + total, 0),
    acknowledged: arrivals.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    behind: arrivals.flatMap(({ behind }) => behind),
  };
}

function settled({ total, acknowledged, behind }: Arrival, waitedMs: number): Propagation {
  return {
    isComplete: behind.length === 0,
    acknowledged,
    total,
    waitedMs,
    effectiveBy: new Date(
      behind.reduce((latestMs, { leaseUntil }) => Math.max(latestMs, leaseUntil.getTime()), Date.now()),
    ),
    heldUpBy: behind.map(({ id, masterKeyId }) => ({ verifierId: id, masterKeyId })),
  };
}
