import type { FollowingEnd } from '../domain/hub-lines.ts';
import type { AppliedChange, ToldChange } from '../domain/key-change.ts';

export type FollowerParts = {
  id: string;
  masterKeyId: string;
  /** The changes that its master key may know of. It is told nothing else. */
  visible: (changes: readonly AppliedChange[]) => readonly ToldChange[];
  tell: (changes: readonly ToldChange[], appliedSeq: number) => void;
  end: (reason: FollowingEnd) => void;
};

/** More that it has not applied, and it is told nothing any more. About 10 kB. */
const unacknowledgedMax = 1_000;

/** A verifier that holds its lease from a hub, as the hub sees it. */
export class Follower {
  readonly id: string;
  readonly masterKeyId: string;
  readonly #parts: FollowerParts;
  /** Positions of the changes that it was told and has not applied, oldest first. */
  #unacknowledged: number[] = [];
  #behindSinceMs = 0;
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  /** Its next lease needs this much to be applied: what it was told when it got the last one. */
  #owedSeq = 0;
  #toldSeq: number;
  #isConnected = true;
  #isEnded = false;
  /** It misses changes, so what it says to have applied means nothing. */
  #isDeaf = false;
  /** Its position that Postgres has stored. */
  storedSeq = 0;
  /** Whether Postgres knows that it follows this hub. */
  isStored = false;

  /**
   * `appliedSeq`: what it has said to have applied. Up to `toldSeq` it is told as it comes, and has
   * to acknowledge that too: it may still rely on an earlier lease of this hub.
   */
  constructor(parts: FollowerParts, { appliedSeq, toldSeq }: { appliedSeq: number; toldSeq: number }) {
    this.#parts = parts;
    this.id = parts.id;
    this.masterKeyId = parts.masterKeyId;
    this.#toldSeq = toldSeq;
    if (appliedSeq < toldSeq) this.#unacknowledged = [appliedSeq + 1, toldSeq];
    this.#behindSinceMs = performance.now();
  }

  /** Up to where it was told what it may know. */
  get toldSeq(): number {
    return this.#toldSeq;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  hasLease(nowMs: number): boolean {
    return nowMs < this.#leaseUntilMs;
  }

  /** Whether it may still accept what a change forbids that it was told of. */
  isBehind(nowMs: number): boolean {
    return this.#unacknowledged.length > 0 && this.hasLease(nowMs);
  }

  /** Since when it has not applied what it was told; monotonic. */
  get behindSinceMs(): number {
    return this.#behindSinceMs;
  }

  /** What it has applied, as far as it can see. */
  get appliedSeq(): number {
    const [oldest] = this.#unacknowledged;
    return oldest === undefined ? this.#toldSeq : oldest - 1;
  }

  tell(changes: readonly AppliedChange[], seq: number, nowMs: number): void {
    this.#toldSeq = Math.max(this.#toldSeq, seq);
    if (this.#isDeaf) return;
    const seen = this.#parts.visible(changes);
    if (seen.length === 0) return;
    if (this.#unacknowledged.length === 0) this.#behindSinceMs = nowMs;
    for (const change of seen) this.#unacknowledged.push(change.seq);
    if (this.#isConnected) this.#parts.tell(seen, seq);
    if (this.#unacknowledged.length > unacknowledgedMax) this.#deafen();
    // A change of its own master key: it leaves, and comes back with what that key is now.
    if (seen.some(({ kind }) => kind === 'master_key')) this.#isEnded = true;
  }

  acknowledge(seq: number): void {
    if (this.#isDeaf) return;
    const first = this.#unacknowledged.findIndex((told) => told > seq);
    this.#unacknowledged = first === -1 ? [] : this.#unacknowledged.slice(first);
  }

  /**
   * Grants a lease of this length, if it has applied what it was told with the last one. One that
   * does not acknowledge so keeps its lease once, and gets no other before it does.
   */
  extend(leaseMs: number, nowMs: number): boolean {
    const [oldest] = this.#unacknowledged;
    if (this.#isEnded || this.#isDeaf || leaseMs <= 0 || (oldest !== undefined && oldest <= this.#owedSeq))
      return false;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, nowMs + leaseMs);
    this.#owedSeq = this.#toldSeq;
    return true;
  }

  /** Its earlier connection had a lease, which its process may still use. */
  inheritLease(before: Follower): void {
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, before.#leaseUntilMs);
  }

  /** The connection is gone. Its lease is not: the process may be alive. */
  disconnect(): void {
    this.#isConnected = false;
  }

  /** Tells it why. A forgotten one gets no other lease. */
  end(reason: FollowingEnd): void {
    if (reason === 'forgotten') this.#isEnded = true;
    if (this.#isConnected) this.#parts.end(reason);
  }

  /** The feed is another one: it has applied nothing of it, and gets no lease. */
  forget(): void {
    this.#unacknowledged = [0];
    this.#deafen();
  }

  #deafen(): void {
    this.#isDeaf = true;
    this.end('forgotten');
  }
}
