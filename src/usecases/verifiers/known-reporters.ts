import { reportedLateMsMax } from '../../domain/reported-mark.ts';
import type { Database } from '../../stores/postgres/database.ts';
import {
  type EmbeddedVerifier,
  wasVerifierAlive,
} from '../../stores/postgres/verifiers/embedded-verifiers.ts';
import { RecentValues } from './recent-values.ts';

const spanMs = 5_000;
const reportersMax = 10_000;

/**
 * Cache of verifiers that may report: registered with this master key, and alive within the last
 * twenty minutes.
 */
export class KnownReporters {
  readonly #db: Database;
  readonly #recent = new RecentValues<string>({ spanMs, sizeMax: reportersMax });

  constructor(db: Database) {
    this.#db = db;
  }

  async has(verifier: EmbeddedVerifier): Promise<boolean> {
    const nowMs = performance.now();
    if (this.#recent.get(verifier.id, nowMs) === verifier.masterKeyId) return true;
    const isKnown = await wasVerifierAlive(this.#db, verifier, reportedLateMsMax);
    if (isKnown) this.#recent.set(verifier.id, verifier.masterKeyId, nowMs);
    return isKnown;
  }
}
