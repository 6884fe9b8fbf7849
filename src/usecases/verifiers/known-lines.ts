import type { Database } from '../../stores/postgres/database.ts';
import { type Line, listLines } from '../../stores/postgres/user-keys/lines.ts';
import { RecentValues } from './recent-values.ts';

/** How long a line that was limited meanwhile may pass for one without limits. */
const spanMs = 5_000;

/**
 * About 100 bytes each; a gateway that verifies more keys than this has them looked up more often.
 */
const linesMax = 100_000;

/**
 * Lines of keys that were reported lately, so that a gateway which reports the same keys four times
 * a second costs Postgres little. Ids that do not exist are not remembered: anybody who may report
 * could fill the memory with them.
 */
export class KnownLines {
  readonly #db: Database;
  readonly #recent = new RecentValues<Line>({ spanMs, sizeMax: linesMax });

  constructor(db: Database) {
    this.#db = db;
  }

  async find(lineageIds: Iterable<string>): Promise<Map<string, Line>> {
    const nowMs = performance.now();
    const found = new Map<string, Line>();
    const missing: string[] = [];
    for (const id of new Set(lineageIds)) {
      const known = this.#recent.get(id, nowMs);
      if (known === undefined) missing.push(id);
      else found.set(id, known);
    }
    if (missing.length === 0) return found;
    for (const [id, line] of await listLines(this.#db, missing)) {
      found.set(id, line);
      this.#recent.set(id, line, nowMs);
    }
    return found;
  }
}
