const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digitOf = new Map([...digits].map((digit, value) => [digit, value]));

/** Our ids: a prefix of two or three letters and 22 base62 digits. Others are text. */
const idPattern = /^(flk|ak|usr)_([0-9A-Za-z]{22})$/;
const idPrefixes = ['flk', 'ak', 'usr'] as const;
const idDigits = 22;
const idBytes = 17;
/** Stands where the number of a prefix would. */
const idAsText = 255;

/** Writer of compact bytes: `ByteReader` reads them in the same order. */
export class ByteWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): void {
    this.#parts.push(Buffer.of(value));
  }

  /** A whole number from 0 to 2^53 − 1, seven bits a byte, the lowest first (LEB128). */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number: ${value}`);
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
    bytes.push(rest);
    this.#parts.push(Buffer.from(bytes));
  }

  /** UTF-8 behind its length in bytes. */
  text(text: string): void {
    const bytes = Buffer.from(text);
    this.number(bytes.length);
    this.#parts.push(bytes);
  }

  id(id: string): void {
    const [, prefix, tail] = idPattern.exec(id) ?? [];
    if (tail === undefined) {
      this.byte(idAsText);
      this.text(id);
      return;
    }
    this.byte(idPrefixes.indexOf(prefix as (typeof idPrefixes)[number]));
    const bytes = Buffer.alloc(idBytes);
    for (const [place, digit] of [...tail].entries()) {
      putSixBits(bytes, place * 6, digitOf.get(digit) as number);
    }
    this.#parts.push(bytes);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Throws a `RangeError` for bytes that no `ByteWriter` has written so. */
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
    return this.#take(this.number()).toString();
  }

  id(): string {
    const prefix = this.byte();
    if (prefix === idAsText) return this.text();
    const bytes = this.#take(idBytes);
    const tail = Array.from({ length: idDigits }, (_, place) => digits[sixBits(bytes, place * 6)] ?? '');
    const id = `${idPrefixes[prefix]}_${tail.join('')}`;
    if (!idPattern.test(id)) throw new RangeError('not an id');
    return id;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new RangeError('cut short');
    this.#at += length;
    return taken;
  }
}

function putSixBits(bytes: Buffer, bit: number, value: number): void {
  const [at, shift] = [bit >> 3, bit & 7];
  const shifted = value << shift;
  bytes[at] = (bytes[at] as number) | (shifted & 255);
  if (shifted > 255) bytes[at + 1] = (bytes[at + 1] as number) | (shifted >> 8);
}

function sixBits(bytes: Buffer, bit: number): number {
  const [at, shift] = [bit >> 3, bit & 7];
  return ((((bytes[at + 1] ?? 0) << 8) | (bytes[at] as number)) >> shift) & 63;
}
