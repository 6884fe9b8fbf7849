import { minuteMs, startOfMinuteMs, type UsageMark } from '../domain/usage.ts';
import type { VerdictCode } from '../domain/verdict.ts';

/** Rows of 32-bit words and doubles over the same memory. */
export type Rows = { readonly words: Int32Array; readonly doubles: Float64Array };

/** The words of a row, and the first of the four that are the count's. */
type Layout = { rowWords: number; countWord: number };

/**
 * Counts of calls beside the records that they are for. A call then touches no further memory. All
 * open counts are of one minute; first and last time are milliseconds after its start, 16 bits
 * each. One bit for each row says which counts are open, so that they are taken in the order of
 * memory.
 */
export class RowCounts {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #layout: Layout;
  /** By place: whose calls, and their outcome. */
  readonly #lineageIds: string[];
  readonly #codes: VerdictCode[];
  readonly #open: Int32Array;
  #openRows = 0;
  /** The next word of `#open` to take counts from. */
  #nextOpen = 0;
  #minuteMs = 0;
  #closed: UsageMark[] = [];

  constructor({ words, doubles }: Rows, layout: Layout) {
    const room = words.length / layout.rowWords;
    this.#words = words;
    this.#doubles = doubles;
    this.#layout = layout;
    this.#lineageIds = new Array(room).fill('');
    this.#codes = new Array(room).fill('VALID');
    this.#open = new Int32Array(Math.ceil(room / 32));
  }

  get isCounting(): boolean {
    return this.#openRows > 0 || this.#closed.length > 0;
  }

  /** A row that counts nothing now begins to count for this line of keys. */
  assign(place: number, lineageId: string, code: VerdictCode): void {
    this.#lineageIds[place] = lineageId;
    this.#codes[place] = code;
  }

  add(place: number, cost: number, nowMs: number): void {
    const afterMs = this.#afterMs(Math.floor(nowMs));
    const words = this.#words;
    const at = this.#wordOf(place);
    const calls = words[at] as number;
    if (calls === 0) {
      this.#openRow(place);
      words[at] = 1;
      words[at + 1] = afterMs | (afterMs << 16);
      this.#doubles[(at >> 1) + 1] = cost;
      return;
    }
    words[at] = calls + 1;
    const times = words[at + 1] as number;
    // The server's clock is corrected now and then, so a later call may carry an earlier time.
    words[at + 1] = Math.min(times & 0xffff, afterMs) | (Math.max(times >>> 16, afterMs) << 16);
    (this.#doubles[(at >> 1) + 1] as number) += cost;
  }

  /** Closes the count of a row, if it has one. */
  close(place: number): void {
    const at = this.#wordOf(place);
    const calls = this.#words[at] as number;
    if (calls === 0) return;
    const times = this.#words[at + 1] as number;
    const minuteMs = this.#minuteMs;
    this.#words[at] = 0;
    (this.#open[place >> 5] as number) &= ~(1 << (place & 31));
    this.#openRows -= 1;
    this.#closed.push({
      lineageId: this.#lineageIds[place] as string,
      minuteMs,
      code: this.#codes[place] as VerdictCode,
      calls,
      cost: this.#doubles[(at >> 1) + 1] as number,
      firstAtMs: minuteMs + (times & 0xffff),
      lastAtMs: minuteMs + (times >>> 16),
    });
  }

  closeAll(): void {
    if (this.#openRows === 0) return;
    for (let at = 0; at < this.#open.length; at++) this.#closeWord(at);
  }

  /**
   * Up to `countMax` counts. A round through the rows ends with fewer than `countMax`: then all
   * that was counted before its beginning has been taken.
   */
  take(countMax: number): UsageMark[] {
    while (this.#closed.length < countMax && this.#nextOpen < this.#open.length) {
      this.#closeWord(this.#nextOpen++);
    }
    const taken = this.#closed;
    this.#closed = taken.splice(countMax);
    if (taken.length < countMax) this.#nextOpen = 0;
    return taken;
  }

  #closeWord(at: number): void {
    for (let bits = this.#open[at] as number; bits !== 0; bits &= bits - 1) {
      this.close(at * 32 + 31 - Math.clz32(bits & -bits));
    }
  }

  #wordOf(place: number): number {
    return place * this.#layout.rowWords + this.#layout.countWord;
  }

  #openRow(place: number): void {
    (this.#open[place >> 5] as number) |= 1 << (place & 31);
    this.#openRows += 1;
  }

  /** Milliseconds after the start of the open minute, which is first turned to this moment. */
  #afterMs(atMs: number): number {
    const afterMs = atMs - this.#minuteMs;
    if (afterMs >= 0 && afterMs < minuteMs) return afterMs;
    this.closeAll();
    this.#minuteMs = startOfMinuteMs(atMs);
    return atMs - this.#minuteMs;
  }
}
