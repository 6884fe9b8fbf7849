import { Worker } from 'node:worker_threads';
import type { BulkheadOccupancy } from '../concurrency/bulkhead.ts';
import { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import type { SlowHashQuestion } from './slow-hash-thread.ts';

/**
 * One at a time, eight waiting: each takes up to a second. The rest are refused at once, with 503
 * and `Retry-After`, since what cannot be computed is not known.
 */
const limits = { runningMax: 1, waitingMax: 8, waitMsMax: 2_000, refusal: 'OVERLOADED' } as const;

/**
 * Compares presented keys with bcrypt and argon2id hashes of imported keys, in a thread of its own
 * with the lowest priority, behind a bulkhead. A flood of wrong keys takes neither the event loop
 * nor libuv's pool, where passwords are hashed. Lookups take turns: a flood at one of them waits
 * behind itself. The thread starts with the first question.
 */
export class SlowHashes {
  readonly #bulkhead = new FairBulkhead(limits);
  #thread: Worker | undefined;

  /** Rejects with `OVERLOADED` when there is no room. `place`: the lookup. */
  isMatch(place: string, question: SlowHashQuestion): Promise<boolean> {
    return this.#bulkhead.run(place, () => this.#ask(question));
  }

  occupancy(): BulkheadOccupancy {
    return this.#bulkhead.occupancy();
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(question: SlowHashQuestion): Promise<boolean> {
    const thread = this.#start();
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('The thread that compares slow hashes has ended'));
      thread.once('exit', onExit);
      thread.once('message', (answer) => {
        thread.off('exit', onExit);
        resolve(answer === true);
      });
      thread.postMessage(question);
    });
  }

  /** A thread that has failed is replaced at the next question. */
  #start(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Worker(new URL('./slow-hash-thread.ts', import.meta.url));
    // Its exit follows. Unheard, the error would end the process.
    thread.on('error', () => undefined);
    thread.once('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    thread.unref();
    this.#thread = thread;
    return thread;
  }
}
