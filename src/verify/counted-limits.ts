import { inTime } from '../concurrency/deadline.ts';
import { FlowplateError } from '../domain/errors.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { Quota } from '../domain/user-key.ts';
import type { RedisClient } from '../stores/redis/client.ts';
import { type Spend, type Spent, spendLimits } from '../stores/redis/limits.ts';
import type { CountedSpent } from './limit-verdict.ts';
import { type LimitedLine, momentNow } from './limited-line.ts';
import type { SpentInPeriod, SpentInPeriods } from './spent-in-periods.ts';

export type CountedLimitsParts = {
  /** A separate connection, so that large answers cannot delay these. */
  redis: RedisClient;
  spentInPeriods: Pick<SpentInPeriods, 'read'>;
  /** For how long an answer is waited for, in milliseconds. */
  patience: { redisMs: number; postgresMs: number };
};

/** For Redis, below the 150 ms of forward auth. */
export const patience: CountedLimitsParts['patience'] = { redisMs: 100, postgresMs: 400 };
/** Time until a failed read is repeated. */
const postgresPauseMs = 1_000;
/** Time until the next try: the usage connection recovers independently of this one. */
const redisPauseMs = 100;
/** Redis may be flushed during the initialisation of a counter. */
const attemptsMax = 3;

/**
 * Limits that are counted in Redis, for all processes together. Before a line of keys is counted it
 * is settled: Redis is told of calls that were let in without it, and a quota's counter is raised
 * to what Postgres knows to be spent.
 *
 * A late answer is still applied: its call was counted, after it was decided without it. Until it
 * comes, or the connection is dropped, Redis counts as away: otherwise each call would wait for a
 * deadline of its own.
 */
export class CountedLimits {
  readonly #parts: CountedLimitsParts;
  #lateAnswers = 0;

  constructor(parts: CountedLimitsParts) {
    this.#parts = parts;
  }

  get isAway(): boolean {
    return this.#parts.redis.status !== 'ready' || this.#lateAnswers > 0;
  }

  /** Rejects when Redis is away, or when the start of a lost quota counter is unknown. */
  async spend(
    line: LimitedLine | undefined,
    record: KeyRecord,
    cost: number,
    now: Date,
  ): Promise<CountedSpent> {
    for (let attempts = 0; attempts < attemptsMax && !this.isAway; attempts++) {
      if (line?.isSettled(record, momentNow(now)) === false) await this.settle(line, record, now);
      const spent = await this.#ask(line, record, cost, now);
      if (spent.outcome !== 'quota_start_needed') return spent;
      line?.forgetComparisons();
    }
    throw new Error('Redis is away, or lost the counter of the quota again and again');
  }

  /** Single flight for each line. */
  settle(line: LimitedLine, record: KeyRecord, now: Date): Promise<void> {
    line.settling ??= this.#settle(line, record, now).finally(() => {
      line.settling = undefined;
    });
    return line.settling;
  }

  /**
   * Reads the quota's usage from Postgres, for a counter that Redis has never answered for here.
   */
  async learnSpent(line: LimitedLine, record: KeyRecord, quota: Quota, now: Date): Promise<void> {
    const period = line.period(quota, momentNow(now));
    if (period.spent !== undefined || line.isCompared(record, quota, momentNow(now))) return;
    const localBefore = period.local;
    const spent = await this.#readSpent(line, record, quota, now);
    if (spent === undefined || period.spent !== undefined) return;
    period.spent = spent.cost;
    period.local = Math.max(0, period.local - localBefore);
  }

  #ask(line: LimitedLine | undefined, record: KeyRecord, cost: number, now: Date): Promise<Spent> {
    const sent = momentNow(now);
    const answer = spendLimits(this.#parts.redis, {
      ...questionOf(record, cost, now),
      window: line?.windowForRedis(record, sent),
      period: { spent: line?.spentInPeriod(record, sent) ?? 0, isAll: false },
    }).then((spent) => {
      if (spent.outcome !== 'quota_start_needed') line?.hear(record, spent, sent);
      return spent;
    });
    return this.#inTime(answer, ({ outcome }) => {
      if (outcome === 'spent') line?.hearLate(record, cost, momentNow(now));
    });
  }

  async #settle(line: LimitedLine, record: KeyRecord, now: Date): Promise<void> {
    const begun = momentNow(now);
    const { rateLimit, quota } = record;
    const period = quota === null ? undefined : line.period(quota, begun);
    const periodLocal = period?.local ?? 0;
    const spent =
      quota === null || line.isCompared(record, quota, begun)
        ? undefined
        : await this.#readSpent(line, record, quota, now);
    const sent = momentNow(now);
    const window = rateLimit === null ? undefined : line.window(rateLimit, sent.monotonicMs);
    const owed = window?.local ?? 0;
    const isAll = spent?.isAll === true;
    if (spent?.isAll === false) line.pauseComparisons(redisPauseMs, sent);
    const answer = spendLimits(this.#parts.redis, {
      ...questionOf(record, 0, now),
      window: line.windowForRedis(record, sent, owed),
      period: { spent: Math.max(spent?.cost ?? 0, period?.spent ?? 0), isAll },
    }).then((counted) => {
      if (counted.outcome === 'quota_start_needed') throw new Error('the start of the quota is not known');
      if (window !== undefined) window.local = Math.max(0, window.local - owed);
      if (period !== undefined && isAll) {
        // Calls from before the question are already part of the answer.
        period.local = Math.max(0, period.local - periodLocal);
        line.noteComparison(record, sent, periodLocal > 0);
      }
      line.hear(record, counted, sent);
    });
    await this.#inTime(answer, () => undefined);
  }

  /** Undefined when Postgres does not answer. Rejects with `OVERLOADED`. */
  async #readSpent(
    line: LimitedLine,
    { lineageId }: KeyRecord,
    { period }: Quota,
    now: Date,
  ): Promise<SpentInPeriod | undefined> {
    const reading = this.#parts.spentInPeriods.read(lineageId, period, now);
    try {
      return await inTime(reading, this.#parts.patience.postgresMs, () => new Error('Postgres is late'));
    } catch (error) {
      if (error instanceof FlowplateError && error.code === 'OVERLOADED') throw error;
      line.pauseComparisons(postgresPauseMs, momentNow(now));
      return undefined;
    }
  }

  #inTime<T>(answer: Promise<T>, onLate: (late: T) => void): Promise<T> {
    return inTime(answer, this.#parts.patience.redisMs, () => {
      this.#lateAnswers += 1;
      const heard = () => {
        this.#lateAnswers -= 1;
      };
      answer.then(onLate).then(heard, heard);
      return new Error('Redis is late');
    });
  }
}

function questionOf({ lineageId, rateLimit, quota }: KeyRecord, cost: number, now: Date) {
  return { lineageId, rateLimit, quota, cost, now } satisfies Partial<Spend>;
}
