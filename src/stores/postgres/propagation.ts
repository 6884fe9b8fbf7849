import { setTimeout as sleep } from 'node:timers/promises';
import { type Audience, isConcerned } from '../../domain/key-change.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { Database } from './database.ts';
import { listLiveVerifiers, type VerifierProgress } from './verifiers.ts';

/** The place in the feed that the verifiers of an audience must have reached. */
export type Told = { seq: number; audience: Audience };

/** A verifier that is well answers within a few milliseconds; one that hangs should not hold up the caller for its whole lease. */
const waitMsMax = 2_000;
const pollMs = 2;

type Waiter = Told & { startedMs: number; resolve: (propagation: Propagation) => void };

/** Waits, after a commit, until every verifier with a live lease has applied it. All waiters of a process share one poll. */
export class PropagationWatch {
  readonly #db: Database;
  readonly #waiters = new Set<Waiter>();
  readonly #leaseMs: number;
  #polling = false;

  constructor(db: Database, leaseMs: number) {
    this.#db = db;
    this.#leaseMs = leaseMs;
  }

  /** Undefined stands for a change that took nothing away from anybody: it is complete as it stands. */
  async wait(told: Told | undefined): Promise<Propagation> {
    if (told === undefined) return settled([], [], 0);
    return new Promise((resolve) => {
      this.#waiters.add({ ...told, startedMs: performance.now(), resolve });
      if (!this.#polling) void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#waiters.size > 0) {
      // Only those who waited before the read was sent may be judged by it: their commit lies before its snapshot.
      const asking = [...this.#waiters];
      await listLiveVerifiers(this.#db).then(
        (verifiers) => this.#judge(asking, verifiers),
        () => this.#giveUp(asking),
      );
      if (this.#waiters.size > 0) await sleep(pollMs);
    }
    this.#polling = false;
  }

  #judge(asking: Waiter[], verifiers: VerifierProgress[]): void {
    for (const waiter of asking) {
      const waitedMs = performance.now() - waiter.startedMs;
      const concerned = verifiers.filter((verifier) => isConcerned(waiter.audience, verifier));
      const behind = concerned.filter(({ appliedSeq }) => appliedSeq < waiter.seq);
      if (behind.length > 0 && waitedMs < waitMsMax) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(settled(concerned, behind, waitedMs));
    }
  }

  /**
   * The change is committed; only the proof that it arrived cannot be read. No lease that was alive at the commit lasts longer
   * than a full one from then, and none that is extended later is without the change.
   */
  #giveUp(asking: Waiter[]): void {
    for (const waiter of asking) {
      const waitedMs = performance.now() - waiter.startedMs;
      if (waitedMs < waitMsMax) continue;
      this.#waiters.delete(waiter);
      waiter.resolve({
        isComplete: false,
        acknowledged: 0,
        total: 1,
        waitedMs,
        effectiveBy: new Date(Date.now() - waitedMs + this.#leaseMs),
        heldUpBy: [],
      });
    }
  }
}

function settled(
  concerned: readonly VerifierProgress[],
  behind: readonly VerifierProgress[],
  waitedMs: number,
): Propagation {
  return {
    isComplete: behind.length === 0,
    acknowledged: concerned.length - behind.length,
    total: concerned.length,
    waitedMs,
    effectiveBy: new Date(Math.max(Date.now(), ...behind.map(({ leaseUntil }) => leaseUntil.getTime()))),
    heldUpBy: behind.map(({ id, masterKeyId }) => ({ verifierId: id, masterKeyId })),
  };
}
