import { fromSentChange, type HubLine, type LeaseLine } from '../domain/hub-lines.ts';
import type { ToldChange } from '../domain/key-change.ts';
import { leaseMarginMs } from '../domain/lease-margin.ts';
import type { BrokerClock } from './broker-clock.ts';
import type { HubStream } from './hub-stream.ts';

/** Why a stream has ended. `moved`: another hub has given a lease, and this one was told so. */
export type StreamEnd = 'lost' | 'forgotten' | 'moved' | 'stopped';

type Position = { appliedSeq: number; acknowledgedSeq: number };

export type HubLeaseParts = {
  stream: HubStream;
  clock: BrokerClock;
  leaseMs: number;
  position: Position;
  /** Applies changes; false when one of them ends this registration. */
  apply: (changes: ToldChange[], appliedSeq: number) => boolean;
  /** The lease counts until this monotonic time, and no earlier one does. */
  hold: (untilMs: number) => void;
  /** This hub's lease counts now. */
  onFirstLease: () => void;
  /** The hub will stop. */
  onMoving: () => void;
};

/** A beat in the air: its number, and when it was sent. */
type Beat = { number: number; sentMs: number };

/** So often that most of a lease is left when the broker goes away. */
const beatsPerLease = 15;
/** A hub that is silent for this part of a lease is given up. */
const silencePerLease = 5;

/**
 * Lease from a hub, kept over a stream (src/revocation/hub.ts has the argument why it is safe). A
 * beat asks for a lease, and the answer counts from the moment before that beat was sent. Changes
 * are applied and acknowledged as they come, since a revoke waits for that.
 */
export class HubLease {
  readonly #parts: HubLeaseParts;
  #beat: Beat = { number: 0, sentMs: 0 };
  #isAnswered = true;
  /** No lease from this hub yet. */
  #isFirst = true;
  #isOver = false;
  #end: (end: StreamEnd) => void = () => undefined;

  constructor(parts: HubLeaseParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with why it has ended; the lease that it gave counts on until `hold` says otherwise.
   */
  async run(): Promise<StreamEnd> {
    const { stream, leaseMs } = this.#parts;
    const beats = setInterval(() => this.#sendBeat(), leaseMs / beatsPerLease);
    try {
      return await new Promise<StreamEnd>((resolve) => {
        this.#end = (end) => {
          this.#isOver = true;
          resolve(end);
        };
        stream.listen({ onLine: (line) => this.#hear(line), onEnd: () => this.#end('lost') });
        this.#sendBeat();
      });
    } finally {
      clearInterval(beats);
      stream.close();
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives up its lease, and says so: from then on no revoke waits for it there. */
  leave(end: 'stopped' | 'forgotten'): void {
    this.#parts.hold(0);
    this.move(end);
  }

  /** The same, for one whose lease counts no more: another hub has given one. */
  move(end: StreamEnd = 'moved'): void {
    this.#parts.stream.send({ left: true });
    this.#end(end);
  }

  #sendBeat(): void {
    const { stream, leaseMs, position } = this.#parts;
    const nowMs = performance.now();
    if (!this.#isAnswered) {
      if (nowMs - this.#beat.sentMs > leaseMs / silencePerLease) this.#end('lost');
      return;
    }
    this.#isAnswered = false;
    this.#beat = { number: this.#beat.number + 1, sentMs: nowMs };
    stream.send({
      applied_seq: position.appliedSeq,
      beat: this.#beat.number,
      acknowledged_seq: position.acknowledgedSeq,
    });
  }

  #hear(line: HubLine): void {
    if ('end' in line) {
      if (line.end === 'moving') this.#parts.onMoving();
      else this.leave('forgotten');
    } else if ('beat' in line) this.#hearLease(line);
    else if ('changes' in line) this.#apply(line);
  }

  #hearLease(line: LeaseLine): void {
    const { clock, stream, leaseMs, position, hold } = this.#parts;
    const { number, sentMs } = this.#beat;
    if (line.beat !== number || this.#isAnswered) return;
    this.#isAnswered = true;
    clock.observe(line.server_time_ms, sentMs, performance.now());
    if (!this.#apply(line)) return;
    position.acknowledgedSeq = line.stored_seq;
    if (line.lease_ms === 0) return;
    // The margin of a whole lease, also of a rest of one.
    hold(sentMs + line.lease_ms - leaseMarginMs(Math.max(leaseMs, line.lease_ms)));
    if (!this.#isFirst) return;
    this.#isFirst = false;
    this.#parts.onFirstLease();
    stream.send({ alone: true });
  }

  #apply({ changes, applied_seq: appliedSeq }: Pick<LeaseLine, 'changes' | 'applied_seq'>): boolean {
    const { stream, position, apply } = this.#parts;
    if (!apply(changes.map(fromSentChange), appliedSeq)) {
      this.leave('forgotten');
      return false;
    }
    // Also what came before the first lease: an earlier one of this hub may count still.
    if (changes.length > 0 || this.#isFirst) stream.send({ applied_seq: position.appliedSeq });
    return true;
  }
}
