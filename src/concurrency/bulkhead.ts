import { type ErrorCode, FlowplateError } from '../domain/errors.ts';

export type BulkheadLimits = {
  runningMax: number;
  waitingMax: number;
  refusal: ErrorCode;
  /** Typical wait for a free slot, for `Retry-After`; 1 unless set. */
  retryAfterSeconds?: number;
};

/** What a bulkhead is doing at the moment, and how many it has refused so far. */
export type BulkheadOccupancy = { running: number; runningMax: number; waiting: number; refused: number };

/**
 * Bulkhead: a bounded number of tasks run, a bounded number wait, and the rest are refused at once.
 * A flood on one resource then cannot take the connections, threads and memory of the others.
 */
export class Bulkhead {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #refusal: ErrorCode;
  readonly #retryAfterSeconds: number;
  readonly #waiting: Array<() => void> = [];
  #running = 0;
  #refused = 0;

  constructor(limits: BulkheadLimits) {
    this.#runningMax = limits.runningMax;
    this.#waitingMax = limits.waitingMax;
    this.#refusal = limits.refusal;
    this.#retryAfterSeconds = limits.retryAfterSeconds ?? 1;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (!this.#takePlace()) await this.#enqueue();
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  /**
   * Like `run`, for streams: holds a slot from the first item until the stream ends or its consumer
   * stops.
   */
  async *stream<T>(source: AsyncIterable<T>): AsyncGenerator<T, void> {
    if (!this.#takePlace()) await this.#enqueue();
    try {
      yield* source;
    } finally {
      this.#leave();
    }
  }

  /**
   * Throws the refusal that `run` would throw now, so that callers can fail before expensive work.
   */
  requireRoom(): void {
    if (this.#running < this.#runningMax || this.#waiting.length < this.#waitingMax) return;
    this.#refused++;
    throw new FlowplateError(this.#refusal, {
      systemMessage: 'Too much at once',
      retryAfterSeconds: this.#retryAfterSeconds,
    });
  }

  occupancy(): BulkheadOccupancy {
    const [running, runningMax, waiting] = [this.#running, this.#runningMax, this.#waiting.length];
    return { running, runningMax, waiting, refused: this.#refused };
  }

  #takePlace(): boolean {
    if (this.#running >= this.#runningMax) return false;
    this.#running++;
    return true;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The slot is handed over, not freed: a newcomer cannot slip in between.
    if (next === undefined) this.#running--;
    else next();
  }

  #enqueue(): Promise<void> {
    this.requireRoom();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
