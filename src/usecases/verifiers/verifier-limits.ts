import { FlowplateError } from '../../domain/errors.ts';

const minuteMs = 60_000;

/**
 * Rate limits of one master key's verifiers in this process: registrations a minute, and concurrent
 * heartbeats. Each costs database work or memory, and one faulty gateway must not starve the
 * others.
 */
export class VerifierLimits {
  readonly #registrationsPerMinute: number;
  readonly #heartbeatsMax: number;
  readonly #registrations = new Map<string, { sinceMs: number; count: number }>();
  readonly #heartbeats = new Map<string, number>();

  /** Twice the number of verifiers: all may lose their lease at once, and try twice. */
  constructor(verifiersMax: number) {
    this.#registrationsPerMinute = 2 * verifiersMax;
    this.#heartbeatsMax = 2 * verifiersMax;
  }

  /** Throws `RATE_LIMITED` beyond the registrations of a minute. */
  countRegistration(masterKeyId: string, nowMs: number): void {
    for (const [id, { sinceMs }] of this.#registrations) {
      if (nowMs - sinceMs >= minuteMs) this.#registrations.delete(id);
    }
    const counted = this.#registrations.get(masterKeyId) ?? { sinceMs: nowMs, count: 0 };
    if (counted.count >= this.#registrationsPerMinute) {
      throw new FlowplateError('RATE_LIMITED', {
        systemMessage: `At most ${this.#registrationsPerMinute} verifiers of one master key register a minute`,
        details: { limit: this.#registrationsPerMinute },
        retryAfterSeconds: Math.ceil((counted.sinceMs + minuteMs - nowMs) / 1_000),
      });
    }
    counted.count += 1;
    this.#registrations.set(masterKeyId, counted);
  }

  /** Runs a heartbeat, or throws `RATE_LIMITED` when the master key has too many under way. */
  async runHeartbeat<T>(masterKeyId: string, beat: () => Promise<T>): Promise<T> {
    const running = this.#heartbeats.get(masterKeyId) ?? 0;
    if (running >= this.#heartbeatsMax) {
      throw new FlowplateError('RATE_LIMITED', {
        systemMessage: `At most ${this.#heartbeatsMax} heartbeats of one master key wait at a time`,
        details: { limit: this.#heartbeatsMax },
        retryAfterSeconds: 1,
      });
    }
    this.#heartbeats.set(masterKeyId, running + 1);
    try {
      return await beat();
    } finally {
      const left = (this.#heartbeats.get(masterKeyId) ?? 1) - 1;
      if (left === 0) this.#heartbeats.delete(masterKeyId);
      else this.#heartbeats.set(masterKeyId, left);
    }
  }
}
