import { type ErrorCode, FlowplateError } from './errors.ts';

/**
 * Lets a bounded number of tasks run and a bounded number wait; whoever comes on top is refused at once. It keeps a flood on
 * one resource from taking the connections, threads and memory that everything else needs.
 */
export class Bulkhead {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #refusal: ErrorCode;
  readonly #waiting: Array<() => void> = [];
  #running = 0;

  constructor(limits: { runningMax: number; waitingMax: number; refusal: ErrorCode }) {
    this.#runningMax = limits.runningMax;
    this.#waitingMax = limits.waitingMax;
    this.#refusal = limits.refusal;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) await this.#enqueue();
    else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The place is handed over, not freed: a newcomer cannot slip in between.
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #enqueue(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new FlowplateError(this.#refusal, { systemMessage: 'Too much at once', retryAfterSeconds: 1 });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
