import type { ServerResponse } from 'node:http';

export type PaceLimits = {
  perSecond: number;
  /** Burst size after a quiet time. */
  atOnceMax: number;
  waitMsMax: number;
  waitingMax: number;
};

/** A twentieth of a core. 1,500 connections that retry at once are slowed down to it. */
export const strangersPace: PaceLimits = {
  perSecond: 300,
  atOnceMax: 300,
  waitMsMax: 5_000,
  waitingMax: 5_000,
};

/** For keys that do not exist, asked for by known gateways. The delay is too short to notice. */
export const unknownKeysPace: PaceLimits = {
  perSecond: 1_000,
  atOnceMax: 100,
  waitMsMax: 250,
  waitingMax: 5_000,
};

/**
 * Leaky bucket for refusals of unauthenticated callers. Beyond its rate an answer is delayed, at
 * most `waitMsMax`. A closed loop of such callers is then slowed to that rate, and cannot take the
 * event loop from verification. Memory is bounded: beyond `waitingMax` an answer leaves at once,
 * and its connection is closed.
 */
export class RefusalPace {
  readonly #limits: PaceLimits;
  /** Earliest time of the next answer; in the past after a quiet time. */
  #nextMs = 0;
  #waiting = 0;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
  }

  /** Ends an answer whose status and headers are set. */
  end(res: ServerResponse, body: string | Buffer): void {
    this.run((isLast) => res.end(body, isLast ? () => res.socket?.destroySoon() : undefined));
  }

  /** Calls `send` when it is the answer's turn. `isLast`: its connection must be closed then. */
  run(send: (isLast: boolean) => void): void {
    const waitMs = this.#takeTurn(performance.now());
    if (waitMs <= 0) send(false);
    else if (this.#waiting < this.#limits.waitingMax) this.#runLater(send, waitMs);
    else send(true);
  }

  #takeTurn(nowMs: number): number {
    const { perSecond, atOnceMax, waitMsMax } = this.#limits;
    const eachMs = 1_000 / perSecond;
    const earliestMs = nowMs - atOnceMax * eachMs;
    this.#nextMs = Math.min(Math.max(this.#nextMs, earliestMs) + eachMs, nowMs + waitMsMax);
    return this.#nextMs - nowMs;
  }

  #runLater(send: (isLast: boolean) => void, waitMs: number): void {
    this.#waiting++;
    setTimeout(() => {
      this.#waiting--;
      send(false);
    }, waitMs);
  }
}
