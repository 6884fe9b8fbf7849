import type { FlowplateError } from '../domain/errors.ts';
import { type BulkheadLimits, type BulkheadOccupancy, noRoom } from './bulkhead.ts';

type Waiting = { start: () => void; refuse: (error: FlowplateError) => void; sinceMs: number };

export type FairBulkheadLimits = BulkheadLimits & {
  /**
   * A task that has waited longer than this is refused when its turn comes; unbounded unless set.
   */
  waitMsMax?: number;
};

/**
 * Bulkhead with fair queueing: every place has a queue of its own, and the places take turns. One
 * caller who floods it waits behind its own tasks only, and a newcomer from elsewhere is next but
 * few.
 *
 * When all waiting room is taken, the longest queue loses its newest task to a newcomer with a
 * shorter queue ("longest queue drop"). The refused tasks reject with `refusal`.
 */
export class FairBulkhead {
  readonly #limits: FairBulkheadLimits;
  /** In the order of their turns; a place without a waiting task has no queue. */
  readonly #queues = new Map<string, Waiting[]>();
  #waiting = 0;
  #running = 0;
  #refused = 0;

  constructor(limits: FairBulkheadLimits) {
    this.#limits = limits;
  }

  async run<T>(place: string, task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.runningMax) this.#running++;
    else await this.#enqueue(place);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  occupancy(): BulkheadOccupancy {
    const [running, waiting, refused] = [this.#running, this.#waiting, this.#refused];
    return { running, runningMax: this.#limits.runningMax, waiting, refused };
  }

  #enqueue(place: string): Promise<void> {
    const own = this.#queues.get(place) ?? [];
    if (this.#waiting >= this.#limits.waitingMax) this.#makeRoom(own.length);
    return new Promise((start, refuse) => {
      own.push({ start, refuse, sinceMs: performance.now() });
      this.#queues.set(place, own);
      this.#waiting++;
    });
  }

  /** Throws the refusal when no queue is longer than that of the newcomer with its task. */
  #makeRoom(ownLength: number): void {
    const [place, longest] = this.#longestQueue();
    if (longest.length <= ownLength + 1) throw this.#refusal();
    const dropped = longest.pop();
    if (longest.length === 0) this.#queues.delete(place);
    this.#waiting--;
    dropped?.refuse(this.#refusal());
  }

  #longestQueue(): [string, Waiting[]] {
    let longest: [string, Waiting[]] = ['', []];
    for (const queue of this.#queues) if (queue[1].length > longest[1].length) longest = queue;
    return longest;
  }

  /** The place is handed over, not freed: a newcomer cannot slip in between. */
  #leave(): void {
    const next = this.#takeNext();
    if (next === undefined) this.#running--;
    else next.start();
  }

  /**
   * The first task of the place whose turn it is. Those that have waited too long are refused on
   * the way.
   */
  #takeNext(): Waiting | undefined {
    for (const [place, queue] of this.#queues) {
      const first = queue.shift();
      this.#queues.delete(place);
      if (queue.length > 0) this.#queues.set(place, queue);
      this.#waiting--;
      if (first !== undefined && !this.#isLate(first)) return first;
      first?.refuse(this.#refusal());
    }
    return undefined;
  }

  #isLate({ sinceMs }: Waiting): boolean {
    const { waitMsMax } = this.#limits;
    return waitMsMax !== undefined && performance.now() - sinceMs > waitMsMax;
  }

  #refusal(): FlowplateError {
    this.#refused++;
    return noRoom(this.#limits);
  }
}
