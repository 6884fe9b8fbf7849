import { setTimeout as sleep } from 'node:timers/promises';
import type { ToldChange } from '../domain/key-change.ts';
import { leaseMarginMs } from '../domain/lease-margin.ts';
import type { VerifierMemory } from '../revocation/verifier-memory.ts';
import type { Broker, Registration } from './broker.ts';
import type { BrokerClock } from './broker-clock.ts';
import { FlowplateApiError } from './errors.ts';
import { HubLease, type StreamEnd } from './hub-lease.ts';
import type { HubStream } from './hub-stream.ts';

type Session = {
  verifierId: string;
  masterKeyId: string;
  leaseMs: number;
  /** Position applied here. */
  appliedSeq: number;
  /** Part of it that the broker has confirmed. */
  acknowledgedSeq: number;
  beats: number;
};

const waitMsMax = 5_000;
const pauseMsMax = 1_000;
/** Maximum pause, even if the broker asks for more. */
const refusedPauseMsMax = 60_000;
const firstPauseMs = 50;
/** Pause after a long poll that returned early and empty: the broker is shutting down. */
const quietPauseMs = 250;
/** Often enough to keep two clocks with a drift of 1/10,000 within some milliseconds. */
const beatsBetweenClockReadings = 20;
/** Pause after a stream that was not to be had, before the next is tried. */
const streamPauseMs = 10_000;
const handOnPauseMs = 250;

/**
 * The right to verify from memory, held through the broker: from an API process over a stream
 * (`HubLease`), or by heartbeats where no stream is to be had. While a lease from a hub counts,
 * only streams are tried: heartbeats would tell that hub that nothing relies on it any more.
 *
 * By heartbeats (decision 0003, and src/revocation/lease.ts for the argument why the order
 * matters): a heartbeat says what was applied, and the broker writes that down and extends the
 * lease, committed, before it reads the changes that it answers with. Once they are applied the
 * lease holds until the monotonic clock *before* the heartbeat was sent + lease − margin. The next
 * heartbeat goes out at once: it is what a revoke waits for. The first lease comes with the first
 * heartbeat: a registration begins at the end of the feed, with empty caches.
 *
 *     unregistered ──registered──▶ lapsed (ask the broker) ◀──heartbeat──▶ held
 *          ▲                                     │                          │
 *          └──row gone or ended, or our own credential changed: caches emptied
 */
export class BrokerLease {
  readonly #broker: Broker;
  readonly #clock: BrokerClock;
  readonly #memory: Pick<VerifierMemory, 'reset' | 'apply'>;
  readonly #onFault: (error: unknown) => void;
  #stopping = new AbortController();
  #heldUntilMs = 0;
  #session: Session | undefined;
  readonly #onForeignPatterns: (declared: readonly string[]) => void;
  /** Survives its session, because usage is still reported under it. */
  #verifierId: string | undefined;
  #registrations = 0;
  #failures = 0;
  /** Whether the lease counts from a hub. */
  #isFromHub = false;
  #nextStreamMs = 0;
  /** One, or two while one hands on to the other. */
  readonly #hubLeases = new Set<HubLease>();
  /** Tells `start` of the first lease, or of what was in its way. */
  #begin: (error?: unknown) => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: {
    broker: Broker;
    clock: BrokerClock;
    memory: Pick<VerifierMemory, 'reset' | 'apply'>;
    onFault: (error: unknown) => void;
    /** Declared shapes of keys of other products. */
    onForeignPatterns: (declared: readonly string[]) => void;
  }) {
    this.#broker = parts.broker;
    this.#clock = parts.clock;
    this.#memory = parts.memory;
    this.#onFault = parts.onFault;
    this.#onForeignPatterns = parts.onForeignPatterns;
  }

  isHeldAt(monotonicMs: number): boolean {
    return monotonicMs < this.#heldUntilMs;
  }

  /** 0 when it is not held. */
  remainingMsAt(monotonicMs: number): number {
    return Math.max(0, this.#heldUntilMs - monotonicMs);
  }

  /** +1 per registration: records from before the last one may belong to another feed. */
  get registrations(): number {
    return this.#registrations;
  }

  get verifierId(): string | undefined {
    return this.#verifierId;
  }

  /**
   * Tries once to get the lease, then keeps it, or keeps trying, in the background. Rejects when
   * the broker refuses the master key. It may be called again then, once the key is good.
   */
  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    const begun = new Promise<unknown>((resolve) => {
      this.#begin = resolve;
    });
    this.#loop = this.#run();
    const error = await begun;
    if (!isRefusal(error)) return;
    this.#stopping.abort();
    throw error;
  }

  /**
   * Ends the lease here, runs `lastWords` under it, and returns it, so that no revoke waits for an
   * exited process. The broker accepts no usage from a removed verifier.
   */
  async stop(lastWords: () => Promise<void>): Promise<void> {
    this.#stopping.abort();
    for (const lease of this.#hubLeases) lease.leave('stopped');
    await this.#loop;
    this.#heldUntilMs = 0;
    await lastWords();
    await this.#drop();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const pauseMs = await this.#step().catch((error: unknown) => this.#fail(error));
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  /** A stream to its end, or one heartbeat; returns the pause before the next. */
  async #step(): Promise<number> {
    const session = this.#session ?? (await this.#register());
    const stream = await this.#openStream(session);
    if (stream !== undefined) {
      const end = await this.#follow(session, stream);
      if (end === 'forgotten') await this.#drop();
      return firstPauseMs;
    }
    if (this.#isFromHub && this.isHeldAt(performance.now())) return handOnPauseMs;
    return this.#beat(session);
  }

  async #openStream(session: Session): Promise<HubStream | undefined> {
    if (performance.now() < this.#nextStreamMs) return undefined;
    const timeoutMs = session.leaseMs / 5;
    const stream = await this.#broker.openStream(session.verifierId, timeoutMs, this.#stopping.signal);
    const isUrgent = this.#isFromHub && this.isHeldAt(performance.now());
    if (stream === undefined && !isUrgent) this.#nextStreamMs = performance.now() + streamPauseMs;
    return stream;
  }

  /**
   * Follows a hub until its stream ends, and then the hub that it was handed on to. An earlier
   * lease counts until this hub gives its first; then `before` is left.
   */
  async #follow(session: Session, stream: HubStream, before?: HubLease): Promise<StreamEnd> {
    let next: Promise<StreamEnd> | undefined;
    const lease: HubLease = new HubLease({
      stream,
      clock: this.#clock,
      leaseMs: session.leaseMs,
      position: session,
      apply: (changes, appliedSeq) => this.#apply(session, changes, appliedSeq),
      hold: (untilMs) => {
        this.#isFromHub = true;
        this.#hold(untilMs);
      },
      onFirstLease: () => before?.move(),
      onMoving: () => {
        next ??= this.#handOn(session, lease);
      },
    });
    this.#hubLeases.add(lease);
    const end = await lease.run();
    this.#hubLeases.delete(lease);
    return next === undefined || end === 'forgotten' || end === 'stopped' ? end : next;
  }

  /** Finds another hub, while the lease of this one counts. */
  async #handOn(session: Session, from: HubLease): Promise<StreamEnd> {
    const { signal } = this.#stopping;
    while (this.#session === session && !signal.aborted) {
      const stream = await this.#broker.openStream(session.verifierId, session.leaseMs / 5, signal);
      const end = stream === undefined ? 'lost' : await this.#follow(session, stream, from);
      if (from.isOver) return end;
      await this.#pause(handOnPauseMs);
    }
    return 'stopped';
  }

  /** False when a change ends this registration: its own master key is another one now. */
  #apply(session: Session, changes: ToldChange[], appliedSeq: number): boolean {
    if (this.#session !== session) return false;
    // Two hubs may tell the same, the later one first: the feed is never applied backwards.
    const fresh = changes.filter(({ seq }) => seq > session.appliedSeq);
    if (fresh.some((change) => isOwn(session, change))) return false;
    session.appliedSeq = Math.max(session.appliedSeq, appliedSeq);
    this.#memory.apply(fresh, session.appliedSeq);
    return true;
  }

  #hold(untilMs: number): void {
    this.#heldUntilMs = untilMs;
    if (untilMs === 0) return;
    this.#failures = 0;
    this.#begin();
  }

  async #fail(error: unknown): Promise<number> {
    if (this.#stopping.signal.aborted) return 0;
    if (!isRefusal(error) || this.#registrations > 0) this.#onFault(error);
    this.#begin(error);
    this.#failures += 1;
    if (isForgotten(error)) await this.#drop();
    // A refused verifier must not use its memory either. Other errors leave the lease unchanged.
    else if (isRefusal(error)) this.#heldUntilMs = 0;
    const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures, 10), pauseMsMax);
    return Math.max(pauseMs, Math.min(refusedForMs(error), refusedPauseMsMax));
  }

  /**
   * Registers without a lease. The broker determines its feed position first and reads the refused
   * organizations afterwards.
   */
  async #register(): Promise<Session> {
    const sentMs = performance.now();
    const registration = await this.#broker.register(this.#stopping.signal);
    this.#clock.observe(registration.server_time_ms, sentMs, performance.now());
    this.#onForeignPatterns(registration.foreign_key_patterns ?? []);
    const session = toSession(registration);
    this.#session = session;
    this.#verifierId = session.verifierId;
    this.#registrations += 1;
    this.#heldUntilMs = 0;
    this.#memory.reset(session.appliedSeq, registration.refused_organizations);
    return session;
  }

  async #beat(session: Session): Promise<number> {
    const isForClock = session.beats++ % beatsBetweenClockReadings === 0;
    const waitMs = isForClock ? 0 : Math.min(waitMsMax, session.leaseMs / 5);
    const { verifierId, appliedSeq, acknowledgedSeq, leaseMs } = session;
    const beat = { applied_seq: appliedSeq, acknowledged_seq: acknowledgedSeq, wait_ms: Math.floor(waitMs) };
    // A lost answer must not cost the lease: a second heartbeat fits into the rest of it.
    const timeoutMs = waitMs + leaseMs / 5;
    const sentMs = performance.now();
    const heard = await this.#broker.heartbeat(verifierId, beat, timeoutMs, this.#stopping.signal);
    const receivedMs = performance.now();
    this.#clock.observe(heard.server_time_ms, sentMs, receivedMs);
    session.acknowledgedSeq = appliedSeq;
    if (!this.#apply(session, heard.changes, heard.applied_seq)) {
      await this.#drop();
      return firstPauseMs;
    }
    // Otherwise changes from before this moment may still follow.
    if (!heard.has_more) {
      this.#isFromHub = false;
      this.#hold(sentMs + leaseMs - leaseMarginMs(leaseMs));
    }
    return heard.applied_seq === appliedSeq && receivedMs - sentMs < waitMs / 2 ? quietPauseMs : 0;
  }

  /** Stops using the cache first, then tells the broker, which then no longer waits for it. */
  async #drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#heldUntilMs = 0;
    for (const lease of this.#hubLeases) lease.leave('forgotten');
    this.#memory.reset(0, []);
    if (session !== undefined) await this.#broker.remove(session.verifierId).catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

function toSession(registration: Registration): Session {
  return {
    verifierId: registration.verifier_id,
    masterKeyId: registration.master_key_id,
    leaseMs: registration.lease_ms,
    appliedSeq: registration.applied_seq,
    acknowledgedSeq: registration.applied_seq,
    beats: 0,
  };
}

function isOwn(session: Session, { kind, subjectId }: ToldChange): boolean {
  return kind === 'master_key' && subjectId === session.masterKeyId;
}

function isForgotten(error: unknown): boolean {
  if (!(error instanceof FlowplateApiError)) return false;
  return error.code === 'VERIFIER_NOT_FOUND' || error.code === 'VERIFIER_BEHIND';
}

function refusedForMs(error: unknown): number {
  if (!(error instanceof FlowplateApiError) || error.status !== 429) return 0;
  return (error.retryAfterSeconds ?? 0) * 1_000;
}

function isRefusal(error: unknown): boolean {
  return error instanceof FlowplateApiError && (error.status === 401 || error.status === 403);
}
