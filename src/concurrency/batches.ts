import { AsyncLocalStorage } from 'node:async_hooks';
import { FlowplateError } from '../domain/errors.ts';
import type { BulkheadOccupancy } from './bulkhead.ts';

type Waiting<T, R> = {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
  /** Runs a function in the asynchronous context of the caller, such as its trace. */
  inContext: (run: () => void) => void;
};

export type BatchOptions<T, R> = {
  /** Does the work of a batch; the results are in the order of the items. */
  run: (items: readonly T[]) => Promise<readonly R[]>;
  /**
   * Whether an error may concern a single item, so that the others deserve another try without it.
   */
  isOneItemsFault: (error: unknown) => boolean;
  sizeMax: number;
  runningMax: number;
  waitingMax: number;
};

/**
 * Dynamic batching: items that arrive while a batch runs form the next one, as in a database's
 * group commit. Adds no delay: a lone item runs at once. Items beyond `waitingMax` are refused with
 * `OVERLOADED`.
 */
export class Batches<T, R> {
  readonly #options: BatchOptions<T, R>;
  #waiting: Waiting<T, R>[] = [];
  #running = 0;
  #refused = 0;

  constructor(options: BatchOptions<T, R>) {
    this.#options = options;
  }

  async add(item: T): Promise<R> {
    if (this.#waiting.length >= this.#options.waitingMax) {
      this.#refused++;
      throw new FlowplateError('OVERLOADED', { systemMessage: 'Too much at once', retryAfterSeconds: 1 });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject, inContext: AsyncLocalStorage.snapshot() });
      // Items of the same turn of the event loop join this batch.
      if (this.#waiting.length === 1) setImmediate(() => this.#start());
    });
  }

  /** Batches that run, and items that wait for the next one. */
  occupancy(): BulkheadOccupancy {
    const [running, waiting, refused] = [this.#running, this.#waiting.length, this.#refused];
    return { running, runningMax: this.#options.runningMax, waiting, refused };
  }

  #start(): void {
    while (this.#running < this.#options.runningMax && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.sizeMax);
      // Not in that of the batch before: its callers may be gone, and their traces over.
      batch[0]?.inContext(() => void this.#runBatch(batch));
    }
  }

  async #runBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    this.#running++;
    await this.#settle(batch);
    this.#running--;
    this.#start();
  }

  async #settle(batch: readonly Waiting<T, R>[]): Promise<void> {
    const { run, isOneItemsFault } = this.#options;
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as R);
    } catch (error) {
      if (batch.length > 1 && isOneItemsFault(error)) {
        await Promise.all(batch.map((one) => this.#settle([one])));
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
