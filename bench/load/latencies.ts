export type Percentiles = { p50Ms: number; p99Ms: number; p999Ms: number };

/** Keeps every latency and sorts at the end: exact, and cheaper while running than a histogram. */
export class Latencies {
  #ms: Float64Array<ArrayBuffer> = new Float64Array(1 << 16);
  #count = 0;

  record(ms: number): void {
    if (this.#count === this.#ms.length) this.#grow();
    this.#ms[this.#count++] = ms;
  }

  get count(): number {
    return this.#count;
  }

  percentiles(): Percentiles {
    const sorted = this.#ms.subarray(0, this.#count).sort();
    const at = (share: number) => sorted[Math.min(this.#count - 1, Math.floor(share * this.#count))] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
  }

  #grow(): void {
    const grown = new Float64Array(this.#ms.length * 2);
    grown.set(this.#ms);
    this.#ms = grown;
  }
}
