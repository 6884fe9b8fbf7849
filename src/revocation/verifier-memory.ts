import type { AppliedChange, ToldChange } from '../domain/key-change.ts';
import { toKeyStop } from '../domain/key-stop.ts';
import type { RefusedOrganizations } from './refused-organizations.ts';
import type { RememberedRevisions } from './remembered-revisions.ts';

/** Consumer of the change feed. */
export type ChangeSink = {
  /**
   * Empties every cache and restarts at a position of the feed. The organizations are those refused
   * at that position or later.
   */
  reset(seq: number, refusedOrganizations: readonly string[]): void;
  /**
   * Applies the changes up to a position. Changes that do not concern this verifier may be missing.
   */
  apply(changes: readonly AppliedChange[], seq: number): void;
  /**
   * Drops all records and keeps the position, because the age of the records is no longer known.
   */
  forgetRecords(): void;
};

type Parts = {
  revisions: RememberedRevisions;
  refusedOrganizations: RefusedOrganizations;
  caches: readonly { clear(): void }[];
};

/** State that follows the change feed, and the caches that depend on it. */
export class VerifierMemory implements ChangeSink {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  reset(seq: number, refusedOrganizations: readonly string[]): void {
    this.forgetRecords();
    this.#parts.revisions.reset(seq);
    this.#parts.refusedOrganizations.replace(refusedOrganizations);
  }

  apply(changes: readonly (AppliedChange | ToldChange)[], seq: number): void {
    for (const change of changes) this.#applyOne(change);
    this.#parts.revisions.advance(seq);
  }

  #applyOne(change: AppliedChange | ToldChange): void {
    const { revisions, refusedOrganizations } = this.#parts;
    const stop = toKeyStop(change);
    if (stop !== undefined) revisions.rememberStop(stop, change.seq, performance.now());
    else if (change.kind === 'stop_unnamed') revisions.forgetBefore(change.seq);
    else if (change.kind === 'organization') refusedOrganizations.apply(change.subjectId, change.status);
    else revisions.remember(change, performance.now());
  }

  forgetRecords(): void {
    for (const cache of this.#parts.caches) cache.clear();
  }
}
