import type { HistoryPosition } from '../domain/database-history.ts';
import type { AppliedChange, FollowingChange } from '../domain/key-change.ts';
import { leaseMarginMs } from '../domain/lease-margin.ts';
import type { Database } from '../stores/postgres/database.ts';
import { listRefusedOrganizations } from '../stores/postgres/organizations/organizations.ts';
import { findCatchUpSeq, listKeyChangesAfter } from '../stores/postgres/verifiers/change-feed.ts';
import { touchFollowers, updateHubProgress } from '../stores/postgres/verifiers/hubs.ts';
import { deleteVerifier, extendLease, upsertVerifier } from '../stores/postgres/verifiers/verifiers.ts';
import type { DatabaseHistory } from './database-history.ts';
import type { Hub } from './hub.ts';
import { changesRememberedMax, revisionMemoryMs } from './remembered-revisions.ts';
import type { ServerClock } from './server-clock.ts';
import type { ChangeSink } from './verifier-memory.ts';

export type LeaseParts = {
  db: Database;
  clock: ServerClock;
  history: DatabaseHistory;
  sink: ChangeSink;
  /** Verifiers that hold their leases from this process; it speaks for them too. */
  hub: Hub;
  /** Awaited before a position is reported: others rely on it. */
  beforeReport: (seq: number) => Promise<void>;
  /** Called when others may have been waiting for what was reported. */
  onReport: () => void;
  /** Called with each heartbeat: the longest lease of all verifiers. */
  onLeaseMs: (leaseMs: number) => void;
  onFault: (error: unknown) => void;
};

export type LeaseOptions = {
  verifierId: string;
  leaseMs: number;
  /** At most a fifteenth of the lease, so that a few lost heartbeats do not end it. */
  heartbeatMs: number;
};

const changesPerReadMax = 1_000;

/** A heartbeat that committed so lately stands for one that is wanted now. */
const earlyBeatMs = 100;

/** How often it is looked whether the lease of a laggard has ended. */
const laggardLookMs = 50;

const touchesPerLease = 3;

/**
 * Lease: the right to verify from memory, held while this process is sure to learn of every revoke
 * in time.
 *
 * A heartbeat does three things, in the one order that is safe: (1) extend the lease, committed;
 * (2) in a new snapshot read the changes after the last applied one and apply them; (3) report the
 * position. The lease then holds until the monotonic clock *before* (1) + lease − margin. A revoke
 * commits at C and looks at the leases at K > C: a lease extended before K is seen and waited for;
 * one extended after K is followed by a read that comes after C and sees the revoke. Reading first
 * and extending afterwards would let a process that was paused in between revive its lease over a
 * revoke it never saw.
 *
 * Postgres extends only the lease of a verifier that one more read brings up to date. One that is
 * further behind catches up first, and meanwhile no revoke waits for it. So does one that starts:
 * its row has no lease until its first heartbeat, which keeps the order above whatever was read
 * before.
 *
 *     starting ──registered, caught up──▶ held ◀──heartbeat──▶ lapsed (ask Postgres)
 *         ▲                                                     │
 *         └──────row gone: silent too long, caches emptied──────┘
 */
export class Lease {
  readonly #db: Database;
  readonly #clock: ServerClock;
  readonly #history: DatabaseHistory;
  readonly #sink: ChangeSink;
  readonly #hub: Hub;
  readonly #beforeReport: (seq: number) => Promise<void>;
  readonly #onReport: () => void;
  readonly #options: LeaseOptions;
  #heldUntilMs = 0;
  /** When the last heartbeat committed. */
  #committedAtMs = Number.NEGATIVE_INFINITY;
  #apiProcesses = 1;
  /** Last applied position of the feed; undefined before the first registration. */
  #appliedSeq: number | undefined;
  /** Waited for by those that need a heartbeat now. */
  #earlyBeat: PromiseWithResolvers<void> | undefined;
  /** Position last reported to Postgres. */
  #saidSeq = 0;
  /** What was last reported, as text. */
  #said = '';
  #nextTouchMs = 0;
  #wake: () => void = () => undefined;
  #isWoken = false;
  /** Whether the feed has grown beyond what was applied, as far as this process was told. */
  #isBehind = false;
  #isStopped = false;
  #loop: Promise<void> = Promise.resolve();
  readonly #onLeaseMs: (leaseMs: number) => void;
  readonly #onFault: (error: unknown) => void;

  constructor(parts: LeaseParts, options: LeaseOptions) {
    this.#db = parts.db;
    this.#clock = parts.clock;
    this.#history = parts.history;
    this.#sink = parts.sink;
    this.#hub = parts.hub;
    this.#beforeReport = parts.beforeReport;
    this.#onReport = parts.onReport;
    this.#onLeaseMs = parts.onLeaseMs;
    this.#onFault = parts.onFault;
    this.#options = options;
  }

  isHeld(): boolean {
    return performance.now() < this.#heldUntilMs;
  }

  /** 0 when it is not held. */
  remainingMs(): number {
    return Math.max(0, this.#heldUntilMs - performance.now());
  }

  /** Age of its last commit that Postgres has confirmed. */
  commitAgeMs(): number {
    return performance.now() - this.#committedAtMs;
  }

  /** API processes with a live lease at the last heartbeat, this one included. */
  get apiProcesses(): number {
    return this.#apiProcesses;
  }

  /** Tries once to get the lease, then keeps it, or keeps trying, in the background. */
  async start(): Promise<void> {
    await this.#attempt(() => this.#beat());
    this.#loop = this.#run();
  }

  /**
   * Hint that the feed has grown up to `seq`: reads it now instead of within the second, unless it
   * is known already. Anybody with a database connection can send such a hint, so it
   * never moves the position.
   */
  wake(seq = Number.POSITIVE_INFINITY): void {
    if (seq <= (this.#appliedSeq ?? 0)) return;
    this.#isBehind = true;
    this.#wakeUp();
  }

  /**
   * Applies a change that this process has committed itself, without reading the feed. Only where
   * nothing is missing in between; otherwise the feed is read.
   */
  hear({ previousSeq, change }: FollowingChange): void {
    if (this.#appliedSeq === previousSeq) {
      this.#apply([change]);
      this.#wakeUp();
    } else this.wake(change.seq);
  }

  /** The last follower has applied what all were told. */
  noteSettled(): void {
    this.#wakeUp();
  }

  /**
   * Heartbeats now instead of within the second, and resolves when that is over. One that is just
   * over is as good.
   */
  async beatNow(): Promise<void> {
    if (this.#isStopped || performance.now() < this.#committedAtMs + earlyBeatMs) return;
    this.#earlyBeat ??= Promise.withResolvers<void>();
    this.#wakeUp();
    return this.#earlyBeat.promise;
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /**
   * Returns the lease, so that no revoke waits for an exited process. A follower that may still use
   * its own is named, and waited for until that lease ends, or until it has found another hub.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#loop;
    this.#heldUntilMs = 0;
    await this.#returnLease().catch(this.#onFault);
  }

  async #returnLease(): Promise<void> {
    const { verifierId } = this.#options;
    const last = this.#hub.lastProgress();
    if (last === undefined) await deleteVerifier(this.#db, verifierId);
    else await updateHubProgress(this.#db, verifierId, last);
  }

  async #run(): Promise<void> {
    let nextBeatMs = performance.now() + this.#options.heartbeatMs;
    while (!this.#isStopped) {
      await this.#sleepUntil(this.#nextLookMs(nextBeatMs));
      if (this.#isStopped) break;
      this.#isWoken = false;
      if (performance.now() < nextBeatMs && this.#earlyBeat === undefined)
        await this.#attempt(() => this.#followUp());
      else {
        nextBeatMs = performance.now() + this.#options.heartbeatMs;
        const early = this.#earlyBeat;
        this.#earlyBeat = undefined;
        await this.#attempt(() => this.#beat());
        early?.resolve();
      }
    }
    this.#earlyBeat?.resolve();
  }

  #nextLookMs(nextBeatMs: number): number {
    return this.#hub.isWaitedFor ? Math.min(nextBeatMs, performance.now() + laggardLookMs) : nextBeatMs;
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    await step().catch(this.#onFault);
  }

  async #beat(): Promise<void> {
    if (this.#appliedSeq === undefined) await this.#begin();
    const sentMs = performance.now();
    const knownSeq = this.#appliedSeq ?? 0;
    const lease = await extendLease(this.#db, this.#options.verifierId, changesPerReadMax);
    // Without its row it was silent for too long.
    if (lease === undefined || !(await this.#isSameHistory(lease, knownSeq))) {
      this.#appliedSeq = undefined;
      this.#heldUntilMs = 0;
      return this.#beat();
    }
    this.#committedAtMs = performance.now();
    this.#apiProcesses = lease.apiProcesses;
    this.#onLeaseMs(lease.leaseMsMax);
    const isStep = this.#clock.observe(lease.nowMs, sentMs, performance.now());
    if (isStep) this.#sink.forgetRecords();
    await this.#catchUp();
    // It has caught up now, so Postgres extends the lease.
    if (!lease.isExtended) return this.#isStopped ? undefined : this.#beat();
    this.#heldUntilMs = sentMs + this.#options.leaseMs - leaseMarginMs(this.#options.leaseMs);
    await this.#touchFollowers();
  }

  /**
   * False when this process has to start anew: its row has gone back, or another history has begun.
   * Rejects when the database itself has gone back. Then the lease ends at once: nothing is vouched
   * for.
   */
  async #isSameHistory(lease: HistoryPosition & { appliedSeq: number }, knownSeq: number): Promise<boolean> {
    try {
      return (await this.#history.judge(lease, knownSeq)) && lease.appliedSeq >= this.#saidSeq;
    } catch (restored) {
      this.#heldUntilMs = 0;
      throw restored;
    }
  }

  /**
   * After a hint: reads, applies and reports, without extending. After a change of this process:
   * only reports. Safe on its own, since the lease stays unchanged.
   */
  async #followUp(): Promise<void> {
    await (this.#isBehind ? this.#catchUp() : this.#report());
  }

  async #catchUp(): Promise<void> {
    this.#isBehind = false;
    for (let isMore = true; isMore && this.#appliedSeq !== undefined; ) {
      const changes = await listKeyChangesAfter(this.#db, this.#appliedSeq, changesPerReadMax);
      this.#apply(changes);
      isMore = changes.length === changesPerReadMax;
    }
    await this.#report();
  }

  /**
   * Applies what is new. A change of this process may have moved the position during a read, and
   * the feed must never be applied backwards.
   */
  #apply(changes: readonly AppliedChange[]): void {
    const appliedSeq = this.#appliedSeq ?? 0;
    const fresh = changes.filter(({ seq }) => seq > appliedSeq);
    this.#appliedSeq = fresh.at(-1)?.seq ?? appliedSeq;
    this.#sink.apply(fresh, this.#appliedSeq);
  }

  /**
   * Says what this process and its followers have applied. Not yet, while one of them has had no
   * time to answer: its acknowledgement comes back here.
   */
  async #report(): Promise<void> {
    if (this.#appliedSeq === undefined) return;
    const progress = this.#hub.progress();
    const text = JSON.stringify(progress);
    if (progress === undefined || text === this.#said) return;
    await this.#beforeReport(progress.reachedSeq);
    await updateHubProgress(this.#db, this.#options.verifierId, progress);
    this.#saidSeq = progress.settledSeq;
    this.#said = text;
    this.#onReport();
  }

  /** Ends the followers that Postgres knows no more, or whose master key has ended. */
  async #touchFollowers(): Promise<void> {
    const followers = this.#hub.listConnected();
    if (followers.length === 0 || performance.now() < this.#nextTouchMs) return;
    this.#nextTouchMs = performance.now() + this.#options.leaseMs / touchesPerLease;
    const positions = followers.map((follower) => ({
      id: follower.id,
      appliedSeq: follower.appliedSeq,
      follower,
    }));
    const known = await touchFollowers(this.#db, this.#options.verifierId, positions);
    for (const { id, appliedSeq, follower } of positions) {
      if (known.has(id)) follower.storedSeq = appliedSeq;
      else follower.end('forgotten');
    }
  }

  /**
   * Finds its position first and loads organizations afterwards. In the other order, a suspension
   * in between would be in neither. The position lies before everything that Redis may hold, so
   * most of it can be used at once.
   */
  async #begin(): Promise<void> {
    const { verifierId: id, leaseMs } = this.#options;
    await this.#history.begin();
    const appliedSeq = await findCatchUpSeq(this.#db, {
      ageMs: revisionMemoryMs,
      changesMax: changesRememberedMax,
    });
    await upsertVerifier(this.#db, { id, appliedSeq, leaseMs, isLive: false });
    this.#sink.reset(appliedSeq, await listRefusedOrganizations(this.#db));
    this.#appliedSeq = appliedSeq;
    this.#saidSeq = appliedSeq;
    this.#said = JSON.stringify({
      settledSeq: appliedSeq,
      reachedSeq: appliedSeq,
      followers: {},
      laggards: [],
    });
    await this.#catchUp();
  }

  async #sleepUntil(atMs: number): Promise<void> {
    if (this.#isWoken || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(Math.max(0, atMs - performance.now())));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
