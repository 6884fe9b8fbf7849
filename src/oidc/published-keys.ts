export type PublishedKeysParts<Keys> = {
  read(): Promise<string>;
  /** Throws when the text is none that has keys. */
  parse(text: string): Keys;
  nowMs: () => number;
  /** A read that failed. */
  onFault(error: unknown): void;
};

/** An unknown key causes a read at most this often: anybody can make one up. */
const unknownPauseMs = 60_000;
/** After a failed read. */
const faultPauseMs = 5_000;
/** Keys are read again after this time, so that one that was withdrawn ends. */
const keysLifeMs = 600_000;

/**
 * Public keys that somebody else publishes. Read at the first question, for an unknown key, and
 * every ten minutes. While they cannot be read, those that are known stay.
 */
export class PublishedKeys<Keys> {
  readonly #parts: PublishedKeysParts<Keys>;
  #keys: Keys | undefined;
  #text = '';
  #generation = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #reading: Promise<void> | undefined;

  constructor(parts: PublishedKeysParts<Keys>) {
    this.#parts = parts;
  }

  /** Undefined before the first read. */
  get keys(): Keys | undefined {
    return this.#keys;
  }

  /** Another number for other keys. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the last read failed, so that an unknown key may be one that exists. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Reads old keys again, without making anybody wait. */
  keepFresh(): void {
    const isOld = this.#parts.nowMs() - this.#readAtMs > keysLifeMs;
    if (this.#keys !== undefined && isOld) void this.readAgain();
  }

  /** For an unknown key. Reads unless it did a moment ago. Single flight. Never rejects. */
  async readAgain(): Promise<void> {
    if (this.#reading === undefined && this.#isPausing()) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  #isPausing(): boolean {
    const pauseMs = this.#hasFailed ? faultPauseMs : unknownPauseMs;
    return this.#parts.nowMs() - this.#triedAtMs < pauseMs;
  }

  async #read(): Promise<void> {
    this.#triedAtMs = this.#parts.nowMs();
    try {
      const text = await this.#parts.read();
      const keys = this.#parts.parse(text);
      if (text !== this.#text) this.#generation++;
      [this.#keys, this.#text, this.#readAtMs] = [keys, text, this.#triedAtMs];
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      this.#parts.onFault(error);
    }
  }
}
