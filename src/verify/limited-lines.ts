import { LimitedLine } from './limited-line.ts';

/** Number of oldest lines that are tried for eviction. */
const candidatesMax = 8;

/**
 * Bounded table of the limited lines in this process. The oldest line is evicted, unless it holds
 * calls that Redis has not counted.
 */
export class LimitedLines {
  readonly #linesMax: number;
  readonly #lines = new Map<string, LimitedLine>();

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Undefined when the table is full. The line is then refused while Redis is away. */
  get(lineageId: string, monotonicMs: number): LimitedLine | undefined {
    const known = this.#lines.get(lineageId);
    if (known !== undefined) return known;
    if (this.#lines.size >= this.#linesMax && !this.#makeRoom(monotonicMs)) return undefined;
    const line = new LimitedLine();
    this.#lines.set(lineageId, line);
    return line;
  }

  get size(): number {
    return this.#lines.size;
  }

  #makeRoom(monotonicMs: number): boolean {
    for (let candidates = 0; candidates < candidatesMax; candidates++) {
      const [oldest] = this.#lines;
      if (oldest === undefined) return false;
      const [lineageId, line] = oldest;
      this.#lines.delete(lineageId);
      if (!line.isOwing(monotonicMs)) return true;
      this.#lines.set(lineageId, line);
    }
    return false;
  }
}
