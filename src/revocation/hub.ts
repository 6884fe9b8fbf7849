import type { HubProgress } from '../domain/hub-progress.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { Follower } from './follower.ts';
import type { ChangeSink } from './verifier-memory.ts';

export type HubOptions = {
  leaseMs: number;
  /** Rest of this process's own lease. No follower's lease is longer. */
  remainingMs: () => number;
  /** Called when the last follower has applied what all were told. */
  onSettled: () => void;
};

/**
 * How long an answer of followers is waited for before those that have not given one are named. A
 * healthy one takes a few milliseconds.
 */
const graceMs = 50;

/**
 * Followers of this process: verifiers in gateways that hold their leases from it (lease tree).
 * Postgres knows of them by what this process says of itself, so a revoke costs Postgres the same
 * whatever their number (docs/decisions/0028).
 *
 * Three rules make that safe. (1) No follower's lease ends after this process's own, which a revoke
 * waits for. (2) It is extended only in an answer that brings every change that this process has
 * applied. (3) This process reports a position only when each follower with a lease has applied it,
 * or is named as a laggard beside it. A follower whose connection is lost counts until its lease
 * has ended, or until it has told another process that it relies on it no more.
 */
export class Hub implements Partial<ChangeSink> {
  readonly #options: HubOptions;
  readonly #followers = new Map<string, Follower>();
  /** Streams that are open, also of those that are no followers yet. */
  readonly #streams = new Set<{ close(): void }>();
  /** Those that may be behind; every laggard is among them. */
  readonly #behind = new Set<Follower>();
  #appliedSeq = 0;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Position that this process has applied. */
  get appliedSeq(): number {
    return this.#appliedSeq;
  }

  /** Whether a follower holds up what this process may report. */
  get isWaitedFor(): boolean {
    return this.#behind.size > 0;
  }

  /** Longest lease of a follower. */
  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  get size(): number {
    return this.#followers.size;
  }

  /** One that comes again still relies on the lease that it had here, so the lease goes with it. */
  join(follower: Follower): void {
    const before = this.#followers.get(follower.id);
    if (before !== undefined) {
      follower.inheritLease(before);
      this.leave(before);
    }
    this.#followers.set(follower.id, follower);
    this.#noteBehind(follower, performance.now());
  }

  /** Extends its lease; returns the length, 0 if it must not be extended. */
  extend(follower: Follower): number {
    // One that came again on another stream is told nothing on this one.
    if (this.#followers.get(follower.id) !== follower) return 0;
    const leaseMs = Math.floor(Math.min(this.#options.leaseMs, this.#options.remainingMs()));
    const nowMs = performance.now();
    if (!follower.extend(leaseMs, nowMs)) return 0;
    this.#noteBehind(follower, nowMs);
    return leaseMs;
  }

  acknowledge(follower: Follower, seq: number): void {
    follower.acknowledge(seq);
    if (!follower.isBehind(performance.now())) this.#noteApplied(follower);
  }

  /** It relies on its lease no more. */
  leave(follower: Follower): void {
    follower.disconnect();
    if (this.#followers.get(follower.id) === follower) this.#followers.delete(follower.id);
    this.#noteApplied(follower);
  }

  /** Its connection is lost, and its lease may be in use. */
  disconnect(follower: Follower): void {
    follower.disconnect();
    if (!follower.hasLease(performance.now())) this.leave(follower);
  }

  apply(changes: readonly AppliedChange[], seq: number): void {
    this.#appliedSeq = seq;
    const nowMs = performance.now();
    for (const follower of this.#followers.values()) {
      follower.tell(changes, seq, nowMs);
      this.#noteBehind(follower, nowMs);
    }
  }

  /** This process begins at another position, so its followers have to as well. */
  reset(seq: number): void {
    this.#appliedSeq = seq;
    for (const follower of this.#followers.values()) {
      follower.forget();
      this.#behind.add(follower);
    }
  }

  noteStream(stream: { close(): void }): void {
    this.#streams.add(stream);
  }

  forgetStream(stream: { close(): void }): void {
    this.#streams.delete(stream);
  }

  /** Closes all streams. Leases that were given count on until they end. */
  close(): void {
    for (const stream of this.#streams) stream.close();
  }

  /** Tells all of them to find another hub. */
  drain(): void {
    for (const follower of this.#followers.values()) follower.end('moving');
  }

  /** Those that Postgres knows, and that are there. */
  listConnected(): Follower[] {
    return [...this.#followers.values()].filter(({ isConnected, isStored }) => isConnected && isStored);
  }

  /**
   * What may be said to Postgres: what all have applied, or all but the laggards. Undefined while a
   * laggard has had no time to answer yet.
   */
  progress(): HubProgress | undefined {
    const nowMs = performance.now();
    this.#dropLapsed(nowMs);
    const laggards = this.#laggards(nowMs);
    if (laggards.some(({ behindSinceMs }) => nowMs - behindSinceMs < graceMs)) return undefined;
    return this.#progressOf(this.#appliedSeq, laggards, nowMs);
  }

  /**
   * For the end of this process: it verifies no more, so only followers with a lease may be behind.
   * Undefined when there is none.
   */
  lastProgress(): HubProgress | undefined {
    const nowMs = performance.now();
    const left = [...this.#followers.values()].filter((follower) => follower.hasLease(nowMs));
    if (left.length === 0) return undefined;
    return this.#progressOf(Number.MAX_SAFE_INTEGER, left, nowMs);
  }

  #progressOf(reachedSeq: number, laggards: readonly Follower[], nowMs: number): HubProgress {
    return {
      settledSeq: Math.min(this.#appliedSeq, ...laggards.map(({ appliedSeq }) => appliedSeq)),
      reachedSeq,
      followers: this.#countByMasterKey(nowMs),
      laggards: laggards.map(({ id, masterKeyId, appliedSeq }) => ({ id, masterKeyId, appliedSeq })),
    };
  }

  #laggards(nowMs: number): Follower[] {
    return [...this.#behind].filter((follower) => follower.isBehind(nowMs));
  }

  #countByMasterKey(nowMs: number): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const follower of this.#followers.values()) {
      if (!follower.hasLease(nowMs)) continue;
      counts[follower.masterKeyId] = (counts[follower.masterKeyId] ?? 0) + 1;
    }
    return counts;
  }

  #dropLapsed(nowMs: number): void {
    for (const follower of this.#behind) if (!follower.isBehind(nowMs)) this.#behind.delete(follower);
    for (const follower of this.#followers.values()) {
      if (!follower.isConnected && !follower.hasLease(nowMs)) this.leave(follower);
    }
  }

  #noteBehind(follower: Follower, nowMs: number): void {
    if (follower.isBehind(nowMs)) this.#behind.add(follower);
  }

  #noteApplied(follower: Follower): void {
    if (this.#behind.delete(follower) && this.#behind.size === 0) this.#options.onSettled();
  }
}
