import { idPrefixes } from '../domain/ids.ts';
import { parseIpAddress } from '../domain/ip-address.ts';
import { type KeyRefusal, refusalsOfKeyMax } from '../domain/key-refusal.ts';
import type { RefusedCode } from '../domain/verdict.ts';

/** Where a request came in, and through which gateway. */
export type RequestOrigin = Pick<KeyRefusal, 'endpoint' | 'requestId' | 'traceId' | 'masterKeyId'>;

export type LastRefusalParts = {
  /** Brings refusals to where they are read; it may be called twice with the same ones. */
  deliver: (refusals: readonly KeyRefusal[]) => Promise<void>;
  onFault: (error: unknown) => void;
  /** Called for each refusal that there is no room for. */
  onLeftOut: () => void;
};

/** Readers are promised ten seconds. */
const flushEveryMs = 2_000;

/**
 * About 250 KB, and 2 % to 4 % of a Redis that must take so many every two seconds. More refusals
 * of different keys are a flood, of which a sample is kept: those of the keys that came first.
 */
const waitingMax = 1_000;

/**
 * The last refusals of users' keys in this process, on their way to where they are read. Bounded:
 * at most 20 of each key and 1,000 in all wait for the next flush. Refusals that could not be
 * delivered are tried again with the next ones; what a killed process had not delivered is lost.
 */
export class LastRefusals {
  readonly #parts: LastRefusalParts;
  /** By key, the oldest first. */
  #waiting = new Map<string, KeyRefusal[]>();
  #count = 0;
  #serial = 0;
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LastRefusalParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#parts.onFault), flushEveryMs);
  }

  /** `ip` as the gateway has it. Keys of other kinds than users' are not noted. */
  note(keyId: string, code: RefusedCode, nowMs: number, ip: string | undefined, from: RequestOrigin): void {
    if (!keyId.startsWith(idPrefixes.key)) return;
    const own = this.#waiting.get(keyId);
    if (own === undefined && this.#count >= waitingMax) {
      this.#parts.onLeftOut();
      return;
    }
    const atMs = Math.floor(nowMs);
    this.#add({ ...from, keyId, serial: this.#serial++, code, atMs, ip: parseIpAddress(ip) ?? null });
  }

  /** Hands over what there is. Concurrent calls share one delivery. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    // Refusals that were noted since a running delivery began are not part of it.
    await this.#flushing?.catch(() => undefined);
    await this.flush();
  }

  /** A new one takes the place of the oldest of its key where there is no more room. */
  #add(refusal: KeyRefusal): void {
    const own = this.#waiting.get(refusal.keyId) ?? [];
    if (own.length === 0) this.#waiting.set(refusal.keyId, own);
    own.push(refusal);
    if (own.length > refusalsOfKeyMax || this.#count >= waitingMax) own.shift();
    else this.#count += 1;
  }

  async #flushOnce(): Promise<void> {
    if (this.#count === 0) return;
    const taken = [...this.#waiting.values()].flat();
    this.#waiting = new Map();
    this.#count = 0;
    try {
      await this.#parts.deliver(taken);
    } catch (error) {
      this.#putBack(taken);
      throw error;
    }
  }

  /** Before those that came meanwhile, which are newer. */
  #putBack(taken: readonly KeyRefusal[]): void {
    const newer = [...this.#waiting.values()].flat();
    this.#waiting = new Map();
    this.#count = 0;
    for (const refusal of [...taken, ...newer]) {
      if (this.#count < waitingMax || this.#waiting.has(refusal.keyId)) this.#add(refusal);
      else this.#parts.onLeftOut();
    }
  }
}
