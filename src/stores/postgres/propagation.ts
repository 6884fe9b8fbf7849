import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import { listLiveVerifiers, type VerifierProgress } from './verifiers.ts';

/**
 * What the caller of a change may rely on. `complete`: no verifier anywhere accepts the old state in a request that starts
 * after this answer. `pending`: committed and durable, but some verifier has not said yet that it knows.
 */
export type Propagation = {
  propagation: 'complete' | 'pending';
  propagation_detail: {
    acknowledged: number;
    total: number;
    waited_ms: number;
    /** When it is certain in any case: the end of the last lease that was still outstanding. */
    effective_by: string;
  };
};

/** A verifier that is well answers within a few milliseconds; one that hangs should not hold up the caller for its whole lease. */
const waitMsMax = 2_000;
const pollMs = 2;

type Waiter = { seq: number; startedMs: number; resolve: (propagation: Propagation) => void };

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

  /** `seq` undefined means that the change took nothing away from anybody: it is complete as it stands. */
  async wait(seq: number | undefined): Promise<Propagation> {
    if (seq === undefined) return settled([], Number.MAX_SAFE_INTEGER, 0);
    return new Promise((resolve) => {
      this.#waiters.add({ seq, startedMs: performance.now(), resolve });
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
      const answer = settled(verifiers, waiter.seq, waitedMs);
      if (answer.propagation === 'pending' && waitedMs < waitMsMax) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(answer);
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
      const leaseUntil = new Date(Date.now() - waitedMs + this.#leaseMs);
      waiter.resolve(settled([{ appliedSeq: 0, leaseUntil }], waiter.seq, waitedMs));
    }
  }
}

function settled(verifiers: VerifierProgress[], seq: number, waitedMs: number): Propagation {
  const behind = verifiers.filter((verifier) => verifier.appliedSeq < seq);
  const effectiveMs = Math.max(Date.now(), ...behind.map((verifier) => verifier.leaseUntil.getTime()));
  return {
    propagation: behind.length === 0 ? 'complete' : 'pending',
    propagation_detail: {
      acknowledged: verifiers.length - behind.length,
      total: verifiers.length,
      waited_ms: Math.round(waitedMs),
      effective_by: new Date(effectiveMs).toISOString(),
    },
  };
}
