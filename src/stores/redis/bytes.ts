const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const wordPattern = /^[\w-]{1,126}$/;
const codeOf = new Map([...digits].map((digit, code) => [digit, code]));

/** First byte of a text: the length of a word, or this for UTF-8 behind its length. */
const isUtf8 = 127;

/** Writer of compact bytes: `ByteReader` reads them in the same order. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  byte(value: number): void {
    this.#bytes.push(value);
  }

  /** A whole number from 0 to 2^53 − 1, seven bits a byte, the lowest first (LEB128). */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number: ${value}`);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }

  /** Six bits for each character of a word; anything else as UTF-8. */
  text(text: string): void {
    if (wordPattern.test(text)) {
      this.byte(text.length);
      this.digits(text);
      return;
    }
    const bytes = Buffer.from(text);
    this.byte(isUtf8);
    this.number(bytes.length);
    for (const byte of bytes) this.byte(byte);
  }

  /** Characters of a word whose number the reader knows. */
  digits(word: string): void {
    let [bits, held] = [0, 0];
    for (const digit of word) {
      bits |= (codeOf.get(digit) as number) << held;
      held += 6;
      for (; held >= 8; held -= 8, bits >>= 8) this.byte(bits & 255);
    }
    if (held > 0) this.byte(bits);
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

/** Throws a `RangeError` for bytes that end too early, and for numbers beyond 2^53. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#take(1)[0] as number;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (!Number.isSafeInteger(value)) throw new RangeError('a number beyond 2^53');
      if (byte < 128) return value;
    }
  }

  text(): string {
    const length = this.byte();
    return length === isUtf8 ? this.#take(this.number()).toString() : this.digits(length);
  }

  digits(length: number): string {
    const bytes = this.#take(Math.ceil((length * 6) / 8));
    let [word, bits, held, at] = ['', 0, 0, 0];
    while (word.length < length) {
      if (held < 6) {
        bits |= (bytes[at++] as number) << held;
        held += 8;
      }
      word += digits[bits & 63];
      bits >>= 6;
      held -= 6;
    }
    return word;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new RangeError('cut short');
    this.#at += length;
    return taken;
  }
}
