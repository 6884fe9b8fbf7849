import { FingerprintIndex, fingerprintWords, nowhere } from './fingerprint-index.ts';

/** Fixed-size FIFO cache of values by secret. It keeps fingerprints, and no secret. */
export class FingerprintTable<V> {
  readonly #room: number;
  readonly #index: FingerprintIndex;
  readonly #values: (V | undefined)[];

  constructor(room: number) {
    this.#room = room;
    this.#values = new Array(room);
    this.#index = new FingerprintIndex(room, fingerprintWords, (place) => {
      this.#values[place] = undefined;
    });
  }

  get size(): number {
    return this.#index.size;
  }

  get(secret: string): V | undefined {
    const place = this.#index.find(secret);
    return place === nowhere ? undefined : this.#values[place];
  }

  /** Inserts as the newest entry, also when it exists. */
  set(secret: string, value: V): void {
    if (this.#room > 0) this.#values[this.#index.add(secret)] = value;
  }

  delete(secret: string): void {
    this.#index.remove(this.#index.find(secret));
  }

  clear(): void {
    this.#index.clear();
    this.#values.fill(undefined);
  }
}
