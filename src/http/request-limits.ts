import type { ActorKind } from '../domain/audit-event.ts';
import { FlowplateError, type LimitState } from '../domain/errors.ts';

/** Requests of ten seconds may come at once, such as the first ones of a backend that starts. */
const windowSeconds = 10;

/** Those that came first make room. */
const callersMax = 10_000;

/** Who is counted: a credential, or an address where there is none. */
export type Counted = { kind: ActorKind; id: string };

/** How a limit is called in its header, and in the text of its refusal. */
export type LimitNames = { name: string; who: string; what: string };

/**
 * Rate limit by caller (GCRA, a leaky bucket as a meter), so that one runaway backend cannot starve
 * the others. Counted in the memory of this process: a deployment of
 * n API processes admits up to n times as many. A shared counter would need Redis, and a mint must
 * not (guarantee 3).
 */
export class RequestLimits {
  readonly #names: LimitNames;
  readonly #limit: number;
  readonly #eachMs: number;
  readonly #nowMs: () => number;
  readonly #onRefusal: (kind: ActorKind) => void;
  /** By caller: when its bucket will be empty. */
  readonly #emptyAt = new Map<string, number>();

  constructor(parts: {
    names: LimitNames;
    perSecond: number;
    nowMs?: () => number;
    onRefusal: (kind: ActorKind) => void;
  }) {
    this.#names = parts.names;
    this.#limit = parts.perSecond * windowSeconds;
    this.#eachMs = 1_000 / parts.perSecond;
    this.#nowMs = parts.nowMs ?? (() => performance.now());
    this.#onRefusal = parts.onRefusal;
  }

  /** Counts a request, and says what is left. Throws `RATE_LIMITED`; a refusal counts nothing. */
  take({ id, kind }: Counted): LimitState {
    const nowMs = this.#nowMs();
    const usedMs = Math.max(0, (this.#emptyAt.get(id) ?? 0) - nowMs);
    const afterMs = usedMs + this.#eachMs;
    const overMs = afterMs - windowSeconds * 1_000;
    if (overMs > 0.001) {
      this.#onRefusal(kind);
      throw this.#refusal(Math.max(1, Math.ceil(overMs / 1_000)));
    }
    if (!this.#emptyAt.has(id)) this.#makeRoom();
    this.#emptyAt.set(id, nowMs + afterMs);
    const remaining = Math.round(this.#limit - afterMs / this.#eachMs);
    return this.#state(remaining, Math.ceil(afterMs / 1_000));
  }

  #refusal(seconds: number): FlowplateError {
    const limit = this.#state(0, seconds);
    return new FlowplateError('RATE_LIMITED', {
      systemMessage: `${this.#names.who} sends more than ${this.#limit} ${this.#names.what} in ${windowSeconds} seconds`,
      details: { bound: limit.name, limit: limit.limit, window_seconds: windowSeconds },
      retryAfterSeconds: seconds,
      limit,
    });
  }

  #state(remaining: number, resetSeconds: number): LimitState {
    return { name: this.#names.name, limit: this.#limit, windowSeconds, remaining, resetSeconds };
  }

  #makeRoom(): void {
    if (this.#emptyAt.size < callersMax) return;
    for (const id of this.#emptyAt.keys()) {
      this.#emptyAt.delete(id);
      return;
    }
  }
}

/** Of the management API, by credential. */
export const managementNames: LimitNames = {
  name: 'management',
  who: 'This credential',
  what: 'management requests',
};

/** Of revocation by the holder of a key, which needs no credential: by address, IPv6 by /64. */
export const revocationNames: LimitNames = {
  name: 'revocation',
  who: 'This address',
  what: 'keys to revoke',
};
