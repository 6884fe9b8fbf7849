import { FlowplateError } from '../domain/errors.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import type { CountedLimits } from './counted-limits.ts';
import { countedVerdict, type LimitVerdict } from './limit-verdict.ts';
import { type LimitedLine, momentNow } from './limited-line.ts';
import type { LimitedLines } from './limited-lines.ts';
import { spendShare } from './local-share.ts';

/**
 * Source of a limit decision: Redis for all processes, this process from its share, or neither for
 * lack of room.
 */
export type LimitDecision = 'counted' | 'local' | 'overloaded';

export type LimitsParts = {
  counted: Pick<CountedLimits, 'spend' | 'settle' | 'learnSpent' | 'isAway'>;
  lines: LimitedLines;
  clock: Pick<ServerClock, 'now'>;
  /** Number of API processes, which share a limit while Redis is away. */
  processes: () => number;
  /** Current event-loop lag of this process. */
  loopLatenessMs: () => number;
  onDecision: (decision: LimitDecision) => void;
};

/** Gateways give up about then; a later answer is wasted work. */
const latenessMsMax = 200;
const underWayMax = 4_000;
const settleEveryMs = 250;
const settledTogetherMax = 200;

/**
 * Spends calls from rate limits and quotas: counted in Redis, exactly, for all processes; while
 * Redis is away, from this process's share of what was left. When this process itself is late or
 * has too much under way, limited keys are refused with `OVERLOADED`: neither let in nor given a
 * share.
 */
export class Limits {
  readonly #parts: LimitsParts;
  /** Lines with calls that Redis has not counted, and the record of the last one. */
  readonly #owing = new Map<LimitedLine, KeyRecord>();
  #isSettling = false;
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LimitsParts) {
    this.#parts = parts;
  }

  /**
   * `now`: the database server's time. All limits are spent, or none is. Rejects with `OVERLOADED`.
   */
  spend(record: KeyRecord, cost: number, now: Date): Promise<LimitVerdict> {
    return this.#spend(record, cost, now, this.#parts.onDecision);
  }

  /** The rest of the limits. Spends nothing and is no decision. Rejects with `OVERLOADED`. */
  read(record: KeyRecord, now: Date): Promise<LimitVerdict> {
    return this.#spend(record, 0, now, () => undefined);
  }

  async #spend(
    record: KeyRecord,
    cost: number,
    now: Date,
    onDecision: LimitsParts['onDecision'],
  ): Promise<LimitVerdict> {
    this.#requireRoom();
    const { counted, lines } = this.#parts;
    const line = lines.get(record.lineageId, performance.now());
    this.#underWay += 1;
    try {
      const spent = await counted.spend(line, record, cost, now);
      onDecision('counted');
      return countedVerdict(record, spent, now);
    } catch (error) {
      if (error instanceof FlowplateError && error.code === 'OVERLOADED') throw error;
      onDecision('local');
      return await this.#spendShare(line, record, cost, now);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Reports uncounted calls as soon as Redis is back, without waiting for the next call. */
  start(): void {
    this.#timer = setInterval(() => void this.#settleOwing(), settleEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #requireRoom(): void {
    const { loopLatenessMs, onDecision } = this.#parts;
    if (loopLatenessMs() < latenessMsMax && this.#underWay < underWayMax) return;
    onDecision('overloaded');
    throw new FlowplateError('OVERLOADED', { systemMessage: 'Too much at once', retryAfterSeconds: 1 });
  }

  async #spendShare(
    line: LimitedLine | undefined,
    record: KeyRecord,
    cost: number,
    now: Date,
  ): Promise<LimitVerdict> {
    const { counted, processes } = this.#parts;
    const { quota } = record;
    if (line !== undefined && quota !== null) await counted.learnSpent(line, record, quota, now);
    const verdict = spendShare(line, record, cost, momentNow(now), processes());
    if (line?.isOwing(performance.now())) this.#owing.set(line, record);
    return verdict;
  }

  async #settleOwing(): Promise<void> {
    if (this.#isSettling || this.#owing.size === 0 || this.#parts.counted.isAway) return;
    this.#isSettling = true;
    const some = [...this.#owing].slice(0, settledTogetherMax);
    await Promise.all(some.map(([line, record]) => this.#settleOne(line, record)));
    this.#isSettling = false;
  }

  async #settleOne(line: LimitedLine, record: KeyRecord): Promise<void> {
    const { counted, clock } = this.#parts;
    // After a failure the line stays, for the next round.
    if (line.isOwing(performance.now()))
      await counted.settle(line, record, clock.now()).catch(() => undefined);
    this.#owing.delete(line);
    // Behind the others, which it would keep from their round.
    if (line.isOwing(performance.now())) this.#owing.set(line, record);
  }
}
