import { type ErrorCode, FlowplateError } from '../domain/errors.ts';

export type BulkheadLimits = {
  runningMax: number;
  waitingMax: number;
  refusal: ErrorCode;
  /** Typical wait for a free slot, for `Retry-After`; 1 unless set. */
  retryAfterSeconds?: number;
};

/** Occupancy of a bulkhead, and how many tasks it has refused so far. */
export type BulkheadOccupancy = { running: number; runningMax: number; waiting: number; refused: number };

/** The error of a task for which there is no room. */
export function noRoom({ refusal, retryAfterSeconds = 1 }: BulkheadLimits): FlowplateError {
  return new FlowplateError(refusal, { systemMessage: 'Too much at once', retryAfterSeconds });
}

/**
 * Bulkhead: a bounded number of tasks run, a bounded number wait, and the rest are refused at once.
 * A flood on one resource then cannot take the connections, threads and memory of the others.
 */
export class Bulkhead {
  readonly #limits: BulkheadLimits;
  readonly #waiting: Array<() => void> = [];
  #running = 0;
  #refused = 0;

  constructor(limits: BulkheadLimits) {
    this.#limits = limits;
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
    const { runningMax, waitingMax } = this.#limits;
    if (this.#running < runningMax || this.#waiting.length < waitingMax) return;
    this.#refused++;
    throw noRoom(this.#limits);
  }

  occupancy(): BulkheadOccupancy {
    const [running, waiting, refused] = [this.#running, this.#waiting.length, this.#refused];
    return { running, runningMax: this.#limits.runningMax, waiting, refused };
  }

  #takePlace(): boolean {
    if (this.#running >= this.#limits.runningMax) return false;
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
