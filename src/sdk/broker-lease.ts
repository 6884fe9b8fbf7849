import { setTimeout as sleep } from 'node:timers/promises';
import type { AppliedChange } from '../domain/key-change.ts';
import type { VerifierMemory } from '../revocation/verifier-memory.ts';
import type { Broker, Registration } from './broker.ts';
import type { BrokerClock } from './broker-clock.ts';
import { FlowplateApiError } from './errors.ts';

type Session = {
  verifierId: string;
  masterKeyId: string;
  leaseMs: number;
  /** Applied here. */
  appliedSeq: number;
  /** What the broker has confirmed of it. */
  acknowledgedSeq: number;
  beats: number;
};

const waitMsMax = 5_000;
const pauseMsMax = 1_000;
/** However long the broker asks to stay away. */
const refusedPauseMsMax = 60_000;
const firstPauseMs = 50;
/** A wait that was cut short without news: the broker is about to end. */
const quietPauseMs = 250;
/**
 * Often enough for two clocks that drift apart by a ten-thousandth to stay within some
 * milliseconds.
 */
const beatsBetweenClockReadings = 20;

/**
 * The right to verify from memory, held through the broker (decision 0003, and
 * src/revocation/lease.ts for the argument why the order matters). A heartbeat says what was
 * applied, and the broker writes that down and extends the lease, committed, before it reads the
 * changes that it answers with. Once they are applied the lease holds until the monotonic clock
 * *before* the heartbeat was sent + lease − margin. The next heartbeat goes out at once: it is what
 * a revoke waits for. The first lease comes with the first heartbeat: a registration begins at the
 * end of the feed, with empty caches.
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
  readonly #stopping = new AbortController();
  #heldUntilMs = 0;
  #session: Session | undefined;
  /** Outlives its session: counts are still reported under it. */
  #verifierId: string | undefined;
  #registrations = 0;
  #failures = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: {
    broker: Broker;
    clock: BrokerClock;
    memory: Pick<VerifierMemory, 'reset' | 'apply'>;
    onFault: (error: unknown) => void;
  }) {
    this.#broker = parts.broker;
    this.#clock = parts.clock;
    this.#memory = parts.memory;
    this.#onFault = parts.onFault;
  }

  isHeldAt(monotonicMs: number): boolean {
    return monotonicMs < this.#heldUntilMs;
  }

  /**
   * Grows with each registration: what was fetched before the last one is of a feed that may be
   * another.
   */
  get registrations(): number {
    return this.#registrations;
  }

  get verifierId(): string | undefined {
    return this.#verifierId;
  }

  /**
   * Tries once to get the lease, then keeps it, or goes on trying, in the background. Rejects when
   * the broker refuses the master key: that does not mend itself.
   */
  async start(): Promise<void> {
    try {
      await this.#beat(await this.#register());
    } catch (error) {
      if (isRefusal(error)) throw error;
      this.#onFault(error);
    }
    this.#loop = this.#run();
  }

  /**
   * Ends the lease here, then lets `lastWords` be said under it, and gives it back, so that no
   * revoke waits for a process that is gone. The broker takes no counts from a verifier that it has
   * removed.
   */
  async stop(lastWords: () => Promise<void>): Promise<void> {
    this.#stopping.abort();
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

  /** One heartbeat, after a registration if need be; answers with the pause before the next. */
  async #step(): Promise<number> {
    const pauseMs = await this.#beat(this.#session ?? (await this.#register()));
    this.#failures = 0;
    return pauseMs;
  }

  async #fail(error: unknown): Promise<number> {
    if (this.#stopping.signal.aborted) return 0;
    this.#onFault(error);
    this.#failures += 1;
    if (isForgotten(error)) await this.#drop();
    // Who may not verify may not do so from memory either; a mere fault leaves the lease as it is.
    else if (isRefusal(error)) this.#heldUntilMs = 0;
    const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures, 10), pauseMsMax);
    return Math.max(pauseMs, Math.min(refusedForMs(error), refusedPauseMsMax));
  }

  /**
   * Gives no lease yet. The broker finds the place in its feed first, and the refused organizations
   * as they are afterwards.
   */
  async #register(): Promise<Session> {
    const sentMs = performance.now();
    const registration = await this.#broker.register(this.#stopping.signal);
    this.#clock.observe(registration.server_time_ms, sentMs, performance.now());
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
    // An answer that is lost must not cost the lease: another heartbeat fits into what is left of
    // it.
    const timeoutMs = waitMs + leaseMs / 5;
    const sentMs = performance.now();
    const heard = await this.#broker.heartbeat(verifierId, beat, timeoutMs, this.#stopping.signal);
    const receivedMs = performance.now();
    this.#clock.observe(heard.server_time_ms, sentMs, receivedMs);
    session.acknowledgedSeq = appliedSeq;
    if (heard.changes.some((change) => isOwn(session, change))) {
      await this.#drop();
      return firstPauseMs;
    }
    this.#memory.apply(heard.changes, heard.applied_seq);
    session.appliedSeq = heard.applied_seq;
    // What was committed while this process was away may still be to come.
    if (!heard.has_more) this.#heldUntilMs = sentMs + usableMs(leaseMs);
    return heard.applied_seq === appliedSeq && receivedMs - sentMs < waitMs / 2 ? quietPauseMs : 0;
  }

  /**
   * Ends here first what then ends there: nothing is answered from memory any more, and no revoke
   * waits for it any longer.
   */
  async #drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#heldUntilMs = 0;
    this.#memory.reset(0, []);
    if (session !== undefined) await this.#broker.remove(session.verifierId).catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

/**
 * Two monotonic clocks differ by far less than a fifteenth; the rest is for the tick in which a
 * request is decided.
 */
function usableMs(leaseMs: number): number {
  return leaseMs - leaseMs / 15;
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

function isOwn(session: Session, { kind, subjectId }: AppliedChange): boolean {
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
