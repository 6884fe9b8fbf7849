/**
 * The newest revision this verifier has heard of, for every key and master key that changed lately.
 *
 * The one rule that keeps caches honest: nothing with an older revision than the one remembered enters or leaves any of them.
 * It covers a late fill that races a revoke, a Redis that was flushed, and one that failed over and lost its last writes.
 * A revision is remembered for longer than any cache entry lives, so that a forgotten one can no longer be contradicted.
 */
export class RememberedRevisions {
  readonly #retentionMs: number;
  /** In order of remembering, which is the order of forgetting. */
  readonly #revisions = new Map<string, { revision: number; heardAtMs: number }>();
  #heard = 0;

  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs;
  }

  /** Grows with everything that is remembered: what was not stale at this count is not stale as long as it stands. */
  get heard(): number {
    return this.#heard;
  }

  remember(id: string, revision: number, nowMs: number): void {
    this.#heard += 1;
    const known = this.#revisions.get(id)?.revision ?? 0;
    this.#revisions.delete(id);
    this.#revisions.set(id, { revision: Math.max(known, revision), heardAtMs: nowMs });
    this.#forget(nowMs);
  }

  isStale(record: { id: string; revision: number }): boolean {
    const remembered = this.#revisions.get(record.id);
    return remembered !== undefined && record.revision < remembered.revision;
  }

  clear(): void {
    this.#revisions.clear();
  }

  #forget(nowMs: number): void {
    for (const [id, { heardAtMs }] of this.#revisions) {
      if (nowMs - heardAtMs < this.#retentionMs) return;
      this.#revisions.delete(id);
    }
  }
}
