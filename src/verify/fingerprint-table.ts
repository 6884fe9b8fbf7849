import { hash } from 'node:crypto';

const wordsEach = 8;

/**
 * What memory is keyed by: the SHA-256 of a secret, a character for each byte. It never leaves the
 * process, so it needs no pepper, and the keyed digest costs ten times as much.
 */
export function fingerprintOf(secret: string): string {
  return hash('sha256', secret, 'latin1');
}

/**
 * A bounded table by fingerprint in which what came first makes room for what comes: open
 * addressing over typed arrays, allocated once. A `Map` of this size stops the process for
 * milliseconds whenever it grows or clears away what was deleted, walks over all of that to find
 * its oldest entry (a fifth of the time of a verification that misses), and keeps every fingerprint
 * as a string.
 */
export class FingerprintTable<V> {
  readonly #room: number;
  /**
   * By place: the fingerprints of the values. Places are taken in turn, so the next one is the
   * oldest.
   */
  readonly #words: Uint32Array;
  readonly #values: (V | undefined)[];
  /** By hash: a place and one, or 0. Twice as many as places or more, so that runs stay short. */
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

  /** As the newest, also when it was there before. */
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

  /**
   * Where it is, or the free slot where it would be. The first word of a SHA-256 is as good as any
   * hash of it.
   */
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
   * Empties a slot and moves up what follows in its run, unless it is at home already (Knuth, TAOCP
   * 6.4, algorithm R): a search ends at the first free slot.
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
