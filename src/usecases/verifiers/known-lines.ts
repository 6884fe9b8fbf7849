import type { Database } from '../../stores/postgres/database.ts';
import { type Line, listLines } from '../../stores/postgres/user-keys/lines.ts';
import { RecentValues } from './recent-values.ts';

/** How long a newly limited line may still be treated as one without limits. */
const spanMs = 5_000;

/** About 100 bytes each. A gateway with more keys causes more lookups. */
const linesMax = 100_000;

/**
 * Cache of lines of keys that were reported lately. A gateway that reports the same keys four times
 * a second then costs Postgres little. Unknown ids are not cached, since any reporter could fill
 * the memory with them.
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
