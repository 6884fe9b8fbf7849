import { type ErrorCode, FlowplateError } from '../domain/errors.ts';

export type BulkheadLimits = {
  runningMax: number;
  waitingMax: number;
  refusal: ErrorCode;
  /** What a place is usually free after; 1 unless said otherwise. */
  retryAfterSeconds?: number;
};

/**
 * Lets a bounded number of tasks run and a bounded number wait; whoever comes on top is refused at
 * once. It keeps a flood on one resource from taking the connections, threads and memory that
 * everything else needs.
 */
export class Bulkhead {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #refusal: ErrorCode;
  readonly #retryAfterSeconds: number;
  readonly #waiting: Array<() => void> = [];
  #running = 0;

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
   * The same for what is taken piece by piece: its place is taken with the first, and free when it
   * ends or its taker leaves.
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
   * Throws what the next caller would be refused with: for whoever can spare the work that comes
   * before.
   */
  requireRoom(): void {
    if (this.#running < this.#runningMax || this.#waiting.length < this.#waitingMax) return;
    throw new FlowplateError(this.#refusal, {
      systemMessage: 'Too much at once',
      retryAfterSeconds: this.#retryAfterSeconds,
    });
  }

  #takePlace(): boolean {
    if (this.#running >= this.#runningMax) return false;
    this.#running++;
    return true;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The place is handed over, not freed: a newcomer cannot slip in between.
    if (next === undefined) this.#running--;
    else next();
  }

  #enqueue(): Promise<void> {
    this.requireRoom();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
