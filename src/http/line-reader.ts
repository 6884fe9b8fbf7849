import type { Readable } from 'node:stream';
import { FlowplateError } from '../domain/errors.ts';
import { type LineLimits, linesTooLarge } from './line-limits.ts';

/** Line of a body, numbered from 1, or the reason why it could not be read. */
export type RawLine = { number: number; bytes: Buffer } | { number: number; fault: FlowplateError };

const newline = 0x0a;

/**
 * Splits a body into lines while it arrives. The lines wait here until they are taken, at most
 * `bytesMax` in all. The reading never pauses, because many clients (Python's requests, Java's
 * HttpURLConnection) read no answer before they have sent everything: a broker that waits for its
 * reader and a client that waits for the broker would wait for ever.
 *
 * A line beyond a limit is a fault in its place. After the limit of lines or bytes the rest of the
 * body is discarded.
 */
export class LineReader {
  readonly #source: Readable;
  readonly #limits: LineLimits;
  #lines: RawLine[] = [];
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #bytes = 0;
  #number = 0;
  #isAtEnd = false;
  #fault: FlowplateError | undefined;
  #wake: (() => void) | undefined;

  constructor(source: Readable, limits: LineLimits) {
    this.#source = source;
    this.#limits = limits;
    source.on('data', this.#onData).on('end', this.#onEnd);
    source.on('error', this.#onLost).on('close', this.#onLost);
  }

  /** Whether a line can be taken at once. */
  hasSome(): boolean {
    return this.#lines.length > 0;
  }

  /**
   * The lines that are there, at most `countMax`; waits for the first. None at the end of the body.
   * Rejects when the client has left before it.
   */
  async take(countMax: number): Promise<RawLine[]> {
    await this.arrival();
    return this.#lines.splice(0, countMax);
  }

  /** Waits for a line, or for the end of the body. */
  async arrival(): Promise<void> {
    while (this.#lines.length === 0 && !this.#isAtEnd) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Discards what is left and what still comes. */
  stop(): void {
    this.#finish();
    this.#lines = [];
  }

  readonly #onData = (chunk: Buffer): void => {
    const { bytesMax } = this.#limits;
    const room = bytesMax - this.#bytes;
    this.#bytes += chunk.length;
    this.#split(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room && !this.#isAtEnd) this.#refuseRest('bytesMax');
    this.#tell();
  };

  #split(chunk: Buffer): void {
    let start = 0;
    while (!this.#isAtEnd) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      this.#keep(chunk.subarray(start, end));
      this.#endLine();
      start = end + 1;
    }
    if (!this.#isAtEnd && start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Bytes of a line that is too long are counted and forgotten. */
  #keep(part: Buffer): void {
    this.#begunBytes += part.length;
    if (this.#begunBytes <= this.#limits.lineBytesMax) this.#begun.push(part);
    else this.#begun = [];
  }

  #endLine(): void {
    const { linesMax, lineBytesMax } = this.#limits;
    if (this.#number === linesMax) {
      this.#refuseRest('linesMax');
      return;
    }
    const number = ++this.#number;
    const isTooLong = this.#begunBytes > lineBytesMax;
    const [only, ...others] = this.#begun;
    if (isTooLong) this.#lines.push({ number, fault: linesTooLarge('lineBytesMax', lineBytesMax) });
    else {
      const bytes = only !== undefined && others.length === 0 ? only : Buffer.concat(this.#begun);
      this.#lines.push({ number, bytes });
    }
    this.#begun = [];
    this.#begunBytes = 0;
  }

  #refuseRest(bound: 'linesMax' | 'bytesMax'): void {
    this.#lines.push({ number: this.#number + 1, fault: linesTooLarge(bound, this.#limits[bound]) });
    this.#finish();
  }

  readonly #onEnd = (): void => {
    // A newline after the last line is optional, and makes no empty line.
    if (this.#begunBytes > 0) this.#endLine();
    this.#finish();
  };

  readonly #onLost = (): void => {
    if (this.#isAtEnd) return;
    this.#fault = new FlowplateError('INVALID_REQUEST', { systemMessage: 'The body ended early' });
    this.#finish();
  };

  #finish(): void {
    this.#isAtEnd = true;
    this.#begun = [];
    this.#source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onLost);
    this.#source.resume();
    this.#tell();
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
