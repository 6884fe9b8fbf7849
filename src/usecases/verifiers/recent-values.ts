type Generation<V> = { values: Map<string, V>; sinceMs: number };

/**
 * Two-generation cache. A new generation starts when the time span is over or it is full, and the
 * one before the last is dropped whole. Values live for one to two spans, need no timestamp of
 * their own, and memory is bounded.
 */
export class RecentValues<V> {
  readonly #spanMs: number;
  readonly #sizeMax: number;
  #young: Generation<V>;
  #old: Generation<V>;

  constructor(options: { spanMs: number; sizeMax: number }) {
    this.#spanMs = options.spanMs;
    this.#sizeMax = options.sizeMax;
    this.#young = { values: new Map(), sinceMs: Number.NEGATIVE_INFINITY };
    this.#old = this.#young;
  }

  get(key: string, nowMs: number): V | undefined {
    this.#turn(nowMs);
    return this.#young.values.get(key) ?? this.#old.values.get(key);
  }

  set(key: string, value: V, nowMs: number): void {
    this.#turn(nowMs);
    this.#young.values.set(key, value);
  }

  #turn(nowMs: number): void {
    if (nowMs - this.#young.sinceMs < this.#spanMs && this.#young.values.size < this.#sizeMax) return;
    const empty = { values: new Map<string, V>(), sinceMs: nowMs };
    this.#old = nowMs - this.#young.sinceMs < 2 * this.#spanMs ? this.#young : empty;
    this.#young = empty;
  }
}
