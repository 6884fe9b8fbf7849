import { Fingerprinter } from './fingerprinter.ts';

/** The place of a secret that is not in an index. */
export const nowhere = -1;

/** Slots per place, rounded up to a power of two. */
const slotsEach = 1.25;
const placeBits = 24;

/** Of a fingerprint, at the beginning of each row. */
export const fingerprintWords = 4;

/**
 * Fixed-size FIFO index from secrets to places, by keyed fingerprint. Open addressing over typed
 * arrays, allocated once. A place is a row of 32-bit words; what follows the fingerprint there is
 * the caller's, so that one line of the processor's cache has all that a call needs. A `Map` of
 * this size pauses the process for milliseconds when it grows or compacts.
 */
export class FingerprintIndex {
  /** All rows. They are used in turn, so the next one is the oldest. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly #room: number;
  readonly #wordsEach: number;
  readonly #onLeave: (place: number) => void;
  readonly #fingerprinter = new Fingerprinter();
  /**
   * Hash slot → place + 1, below eight bits of the fingerprint; 0 is empty. With these bits a probe
   * run hardly touches other rows, so the slots may be few, and the processor's cache holds them.
   */
  readonly #slots: Int32Array;
  readonly #mask: number;
  #next = 0;
  #size = 0;

  /** `onLeave` is called before a place is given up, except by `clear`. */
  constructor(room: number, wordsEach: number, onLeave: (place: number) => void) {
    const slotCount = 2 ** Math.ceil(Math.log2(Math.max(room, 1) * slotsEach));
    this.#room = room;
    this.#wordsEach = wordsEach;
    this.#onLeave = onLeave;
    this.words = new Int32Array(room * wordsEach);
    this.#slots = new Int32Array(slotCount);
    this.#mask = slotCount - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** `nowhere` when it is not here. */
  find(secret: string): number {
    this.#fingerprinter.take(secret);
    return placeIn(this.#slots[this.#slotOfTaken()] as number);
  }

  /** Gives the secret the newest place, also when it has one. Needs room for one at least. */
  add(secret: string): number {
    this.remove(this.find(secret));
    const place = this.#next;
    this.#next = place + 1 === this.#room ? 0 : place + 1;
    this.remove(place);
    this.words.set(this.#fingerprinter.words, place * this.#wordsEach);
    this.#slots[this.#slotOfTaken()] = tagOf(this.#fingerprinter.words[1] as number) | (place + 1);
    this.#size++;
    return place;
  }

  /** Gives up a place, if it is in use. */
  remove(place: number): void {
    const slot = place === nowhere ? nowhere : this.#slotOfPlace(place);
    if (slot === nowhere) return;
    this.#onLeave(place);
    this.#vacate(slot);
    this.#size--;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
  }

  /** Slot of the fingerprint that was taken last, or the free slot for it. */
  #slotOfTaken(): number {
    const { words } = this.#fingerprinter;
    const [first, second, third, fourth] = [words[0], words[1], words[2], words[3]];
    const tag = tagOf(second as number);
    const rows = this.words;
    let slot = (first as number) & this.#mask;
    for (let entry = this.#slots[slot]; entry; entry = this.#slots[slot]) {
      const row = placeIn(entry) * this.#wordsEach;
      if (
        tagOf(entry) === tag &&
        rows[row] === first &&
        rows[row + 1] === second &&
        rows[row + 2] === third &&
        rows[row + 3] === fourth
      )
        break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  /** `nowhere` for a place that is not in use. */
  #slotOfPlace(place: number): number {
    let slot = this.#homeOf(place);
    for (let entry = this.#slots[slot]; entry; entry = this.#slots[slot]) {
      if (placeIn(entry) === place) return slot;
      slot = (slot + 1) & this.#mask;
    }
    return nowhere;
  }

  #homeOf(place: number): number {
    return (this.words[place * this.#wordsEach] as number) & this.#mask;
  }

  /**
   * Empties a slot and shifts the rest of its probe run (Knuth, TAOCP 6.4, algorithm R), because a
   * search ends at the first free slot.
   */
  #vacate(slot: number): void {
    let free = slot;
    for (let next = (free + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const entry = this.#slots[next];
      if (!entry) break;
      const home = this.#homeOf(placeIn(entry));
      if (((next - home) & this.#mask) < ((next - free) & this.#mask)) continue;
      this.#slots[free] = entry;
      free = next;
    }
    this.#slots[free] = 0;
  }
}

function placeIn(entry: number): number {
  return (entry & (2 ** placeBits - 1)) - 1;
}

function tagOf(word: number): number {
  return (word >> placeBits) << placeBits;
}
