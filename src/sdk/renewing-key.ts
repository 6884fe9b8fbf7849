import { randomUUID } from 'node:crypto';
import type { Owner } from './api-types.ts';
import type { FlowplateClient } from './client.ts';
import { FlowplateApiError } from './errors.ts';

/** A key as a mint or a refresh answered it, or as you have stored it. */
export type HeldKey = Owner & {
  key: string;
  created_at: string;
  expires_at?: string | null | undefined;
};

export type RenewingKeyOptions = {
  /** With a master key that may refresh (`keys:refresh`). */
  client: Pick<FlowplateClient, 'refresh'>;
  held: HeldKey;
  /** Life of each new key. A held key without an end is renewed as if it had this one. */
  ttlSeconds: number;
  /** How long before its end a key is renewed; a third of `ttlSeconds` unless set. */
  renewAheadSeconds?: number | undefined;
  /**
   * How long the old key works on beside the new one, but never past its own end; 3600 unless set.
   * Longer than it takes to store the new one and to give it to every holder.
   */
  gracePeriodSeconds?: number | undefined;
  /**
   * Called with each new key before it is used: store it, and give it to other holders. `key` stays
   * the old one until this is done. After an error it is called again with the same new key.
   */
  onRenewed?: ((renewed: HeldKey) => void | Promise<void>) | undefined;
  /** Called for each failed attempt; another one follows. No error contains a secret. */
  onFault?: ((error: unknown) => void) | undefined;
};

const defaultGraceSeconds = 3_600;
const firstPauseMs = 1_000;
const pauseMsMax = 300_000;
/** Node fires a timer at once when its delay is above this. */
const timerMsMax = 2 ** 31 - 1;

/**
 * A key that is renewed ahead of its end, without a refused request: the new one is issued beside
 * the old one, stored, and only then used. Its holders of one process share it. Ends are read with
 * the clock of this machine. Not with `activate: "on_first_use"`: a key that nobody has used yet
 * would be gone at the next renewal, and requests with it would be refused until the swap.
 */
export class RenewingKey {
  readonly #options: RenewingKeyOptions;
  readonly #aheadMs: number;
  #held: HeldKey;
  /** Of the renewal under way: a lost answer is asked for again, and gives the same key. */
  #idempotencyKey: string = randomUUID();
  /** Issued, and not stored yet. */
  #issued: HeldKey | undefined;
  #renewing: Promise<HeldKey> | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `RangeError` when keys would be renewed before they begin to live. */
  constructor(options: RenewingKeyOptions) {
    const { held, ttlSeconds, renewAheadSeconds = ttlSeconds / 3 } = options;
    if (!(renewAheadSeconds > 0 && renewAheadSeconds < ttlSeconds)) {
      throw new RangeError('renewAheadSeconds must be above 0 and below ttlSeconds');
    }
    this.#options = options;
    this.#aheadMs = renewAheadSeconds * 1_000;
    this.#held = held;
  }

  /** The secret for the next request. Read it each time. */
  get key(): string {
    return this.#held.key;
  }

  /** Begins to renew in the background. The timer keeps no process alive. */
  start(): void {
    this.#wait(this.#dueMs() - Date.now());
  }

  /** Renews now, and returns the new key. Single flight: calls at once share one renewal. */
  renew(): Promise<HeldKey> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** No renewal begins any more. */
  close(): void {
    clearTimeout(this.#timer);
    // So that a renewal under way sets no other.
    this.#timer = undefined;
  }

  /** Up to a tenth earlier, so that processes that began together do not renew together. */
  #dueMs(): number {
    const { created_at, expires_at } = this.#held;
    const ttlMs = this.#options.ttlSeconds * 1_000;
    const endMs = expires_at ? Date.parse(expires_at) : Date.parse(created_at) + ttlMs;
    const jitterMs = Math.random() * 0.1 * Math.min(this.#aheadMs, ttlMs - this.#aheadMs);
    return endMs - this.#aheadMs - jitterMs;
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    const isLong = ms > timerMsMax;
    const next = () => (isLong ? this.#wait(ms - timerMsMax) : void this.#renewInTime());
    this.#timer = setTimeout(next, isLong ? timerMsMax : Math.max(0, ms)).unref();
  }

  async #renewInTime(): Promise<void> {
    const timer = this.#timer;
    try {
      await this.renew();
      this.#failures = 0;
      if (timer === this.#timer) this.#wait(this.#dueMs() - Date.now());
    } catch (error) {
      this.#options.onFault?.(error);
      if (timer === this.#timer) this.#wait(this.#pauseMs(error));
    }
  }

  /** Doubles from a second to five minutes; at least what the broker asks for. */
  #pauseMs(error: unknown): number {
    const longest = Math.min(pauseMsMax, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    const asked = error instanceof FlowplateApiError ? (error.retryAfterSeconds ?? 0) : 0;
    return Math.max(asked * 1_000, longest * (0.5 + Math.random() / 2));
  }

  async #renewOnce(): Promise<HeldKey> {
    this.#issued ??= await this.#refresh();
    await this.#options.onRenewed?.(this.#issued);
    this.#held = this.#issued;
    this.#issued = undefined;
    this.#idempotencyKey = randomUUID();
    return this.#held;
  }

  async #refresh(): Promise<HeldKey> {
    const { client, ttlSeconds, gracePeriodSeconds = defaultGraceSeconds } = this.#options;
    const { user_id, organization_id, environment } = this.#held;
    const { new_key } = await client.refresh(
      { user_id, organization_id, environment },
      { ttl_seconds: ttlSeconds, grace_period_seconds: gracePeriodSeconds },
      { idempotencyKey: this.#idempotencyKey },
    );
    const { key, created_at, expires_at } = new_key;
    return { user_id, organization_id, environment, key, created_at, expires_at };
  }
}
