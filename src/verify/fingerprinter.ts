import { randomBytes } from 'node:crypto';

/** A longer secret is encoded in memory of its own. */
const charsMax = 256;
/** Bytes of UTF-8 per UTF-16 unit at most; and zeros behind the text, which the last steps read. */
const bytesFor = (chars: number) => 3 * chars + 24;

const encoder = new TextEncoder();

/**
 * Keyed 128-bit fingerprints of secrets: two HalfSipHash-2-4 with 64 bits each, side by side over
 * the UTF-8 of the text (Aumasson and Bernstein, https://github.com/veorq/SipHash). Half the time
 * of SHA-256, whose call costs more than its rounds. The key is random and never leaves this
 * object, so that nobody outside can aim for two secrets with one fingerprint. No secret is kept.
 */
export class Fingerprinter {
  /** The fingerprint that was taken last. Read it before the next one is taken. */
  readonly words = new Int32Array(4);
  readonly #key: readonly [number, number, number, number];
  /** Zeros between two calls. */
  readonly #scratch = newScratch(charsMax);

  constructor(key: Buffer = randomBytes(16)) {
    this.#key = [key.readInt32LE(0), key.readInt32LE(4), key.readInt32LE(8), key.readInt32LE(12)];
  }

  /**
   * One loop over the 32-bit words of the text, two rounds each. Four steps more, over zeros, are
   * the eight rounds of the end. The lanes are written out because V8 keeps local variables in
   * registers, and two lanes side by side take little longer than one.
   */
  take(secret: string): void {
    const { bytes, view } = secret.length <= charsMax ? this.#scratch : newScratch(secret.length);
    const length = encoder.encodeInto(secret, bytes).written;
    const last = length >> 2;
    const [k0, k1, k2, k3] = this.#key;
    let [a0, a1, a2, a3] = [k0, k1 ^ 0xee, k0 ^ 0x6c796765, k1 ^ 0x74656462];
    let [b0, b1, b2, b3] = [k2, k3 ^ 0xee, k2 ^ 0x6c796765, k3 ^ 0x74656462];
    for (let step = 0; step < last + 5; step++) {
      let word = view.getInt32(4 * step, true);
      if (step === last) word |= length << 24;
      if (step <= last) view.setInt32(4 * step, 0, true);
      else if (step === last + 1) {
        a2 ^= 0xee;
        b2 ^= 0xee;
      } else if (step === last + 3) {
        this.words[0] = a1 ^ a3;
        this.words[2] = b1 ^ b3;
        a1 ^= 0xdd;
        b1 ^= 0xdd;
      }
      a3 ^= word;
      b3 ^= word;
      for (let round = 0; round < 2; round++) {
        a0 = (a0 + a1) | 0;
        b0 = (b0 + b1) | 0;
        a1 = ((a1 << 5) | (a1 >>> 27)) ^ a0;
        b1 = ((b1 << 5) | (b1 >>> 27)) ^ b0;
        a0 = (a0 << 16) | (a0 >>> 16);
        b0 = (b0 << 16) | (b0 >>> 16);
        a2 = (a2 + a3) | 0;
        b2 = (b2 + b3) | 0;
        a3 = ((a3 << 8) | (a3 >>> 24)) ^ a2;
        b3 = ((b3 << 8) | (b3 >>> 24)) ^ b2;
        a0 = (a0 + a3) | 0;
        b0 = (b0 + b3) | 0;
        a3 = ((a3 << 7) | (a3 >>> 25)) ^ a0;
        b3 = ((b3 << 7) | (b3 >>> 25)) ^ b0;
        a2 = (a2 + a1) | 0;
        b2 = (b2 + b1) | 0;
        a1 = ((a1 << 13) | (a1 >>> 19)) ^ a2;
        b1 = ((b1 << 13) | (b1 >>> 19)) ^ b2;
        a2 = (a2 << 16) | (a2 >>> 16);
        b2 = (b2 << 16) | (b2 >>> 16);
      }
      a0 ^= word;
      b0 ^= word;
    }
    this.words[1] = a1 ^ a3;
    this.words[3] = b1 ^ b3;
  }
}

function newScratch(chars: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(bytesFor(chars));
  return { bytes, view: new DataView(bytes.buffer) };
}
