import { LimitedLine } from './limited-line.ts';

/** How many of the oldest lines are looked at for one that may be forgotten. */
const candidatesMax = 8;

/**
 * The limited lines of keys that this process knows something of: a table of bounded size. A line
 * is forgotten when there is no room, oldest first, unless it holds calls that Redis has not
 * counted.
 */
export class LimitedLines {
  readonly #linesMax: number;
  readonly #lines = new Map<string, LimitedLine>();

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  /** Undefined when there is no room. Then nothing can be let in for this line without Redis. */
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
