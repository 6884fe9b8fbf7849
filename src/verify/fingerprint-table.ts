import { hash } from 'node:crypto';

const wordsEach = 8;

/**
 * Cache key: SHA-256 of the secret as a Latin-1 string. It never leaves the process, so it needs no
 * pepper; an HMAC takes ten times as long.
 */
export function fingerprintOf(secret: string): string {
  return hash('sha256', secret, 'latin1');
}

/**
 * Fixed-size FIFO cache keyed by fingerprint: open addressing over typed arrays, allocated once. A
 * `Map` of this size pauses the process for milliseconds when it grows or compacts. Finding its
 * oldest entry takes a fifth of a cache miss, and it keeps every fingerprint as a string.
 */
export class FingerprintTable<V> {
  readonly #room: number;
  /** Fingerprints by index. Indexes are used in turn, so the next one is the oldest. */
  readonly #words: Uint32Array;
  readonly #values: (V | undefined)[];
  /** Hash slot → index + 1; 0 is empty. At least twice the capacity, to keep probe runs short. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  #next = 0;
  #size = 0;

  constructor(room: number) {
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(room, 1) * 2));
    this.#room = room;
    this.#words = new Uint32Array(room * wordsEach);
    this.#values = new Array(room);
    this.#slots = new Int32Array(slotCount);
    this.#mask = slotCount - 1;
  }

  get size(): number {
    return this.#size;
  }

  get(fingerprint: string): V | undefined {
    const place = (this.#slots[this.#slotOf(fingerprint)] ?? 0) - 1;
    return place < 0 ? undefined : this.#values[place];
  }

  /** Inserts as the newest entry, also when it exists. */
  set(fingerprint: string, value: V): void {
    if (this.#room === 0) return;
    this.delete(fingerprint);
    const place = this.#next;
    this.#next = place + 1 === this.#room ? 0 : place + 1;
    if (this.#values[place] !== undefined) this.#vacate(this.#slotOfPlace(place));
    for (let word = 0; word < wordsEach; word++) {
      this.#words[place * wordsEach + word] = wordOf(fingerprint, word);
    }
    this.#values[place] = value;
    this.#slots[this.#slotOf(fingerprint)] = place + 1;
    this.#size++;
  }

  delete(fingerprint: string): void {
    const slot = this.#slotOf(fingerprint);
    if (this.#slots[slot] !== 0) this.#vacate(slot);
  }

  clear(): void {
    this.#slots.fill(0);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** Slot of the entry, or the free slot for it. The first word of a SHA-256 is a good hash. */
  #slotOf(fingerprint: string): number {
    let slot = wordOf(fingerprint, 0) & this.#mask;
    for (let entry = this.#slots[slot]; entry; entry = this.#slots[slot]) {
      if (this.#isAt(entry - 1, fingerprint)) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #isAt(place: number, fingerprint: string): boolean {
    const start = place * wordsEach;
    for (let word = 0; word < wordsEach; word++) {
      if (this.#words[start + word] !== wordOf(fingerprint, word)) return false;
    }
    return true;
  }

  #slotOfPlace(place: number): number {
    let slot = this.#homeOf(place);
    while (this.#slots[slot] !== place + 1) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #homeOf(place: number): number {
    return (this.#words[place * wordsEach] ?? 0) & this.#mask;
  }

  /**
   * Empties a slot and shifts the rest of its probe run (Knuth, TAOCP 6.4, algorithm R), because a
   * search ends at the first free slot.
   */
  #vacate(slot: number): void {
    this.#values[(this.#slots[slot] ?? 0) - 1] = undefined;
    this.#size--;
    let free = slot;
    for (let next = (free + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const entry = this.#slots[next];
      if (!entry) break;
      const home = this.#homeOf(entry - 1);
      if (((next - home) & this.#mask) < ((next - free) & this.#mask)) continue;
      this.#slots[free] = entry;
      free = next;
    }
    this.#slots[free] = 0;
  }
}

/** Four of the bytes as a number. */
function wordOf(fingerprint: string, word: number): number {
  const at = word * 4;
  const high = fingerprint.charCodeAt(at + 2) | (fingerprint.charCodeAt(at + 3) << 8);
  return (fingerprint.charCodeAt(at) | (fingerprint.charCodeAt(at + 1) << 8) | (high << 16)) >>> 0;
}
