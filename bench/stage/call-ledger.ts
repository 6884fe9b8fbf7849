import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { countFlushes } from '../../src/stores/redis/usage-flushes.ts';
import type { ClosedLoopJob, LoadJob, LoadResult } from '../load/jobs.ts';
import { isRefused } from '../load/request-source.ts';
import { number } from '../report/statistics.ts';

/** Time after the last call within which all must be in Postgres. */
export const settleMsMax = 30_000;

const lookMs = 100;

/**
 * Number of calls that our servers must have counted: a figure without counting would be one of
 * another product. Needs a running worker.
 */
export class CallLedger {
  readonly #sql: pg.Pool;
  readonly #redis: Redis;
  readonly #ports = new Set<number>();
  /** Accepted calls; and failed ones, which may have been counted. */
  #answered = 0;
  #doubtful = 0;

  constructor(sql: pg.Pool, redis: Redis) {
    this.#sql = sql;
    this.#redis = redis;
  }

  /** Starts to include calls to this port. */
  follow(port: number): void {
    this.#ports.add(port);
  }

  note(job: LoadJob, result: LoadResult): void {
    if (!isVerification(job) || isRefused(job.plan) || !this.#ports.has(job.target.port)) return;
    this.add(result.inAll.right);
    this.#doubtful += result.inAll.wrong;
  }

  /** Adds calls that were decided elsewhere and reported. */
  add(calls: number): void {
    this.#answered += calls;
  }

  flushesWaiting(): Promise<number> {
    return countFlushes(this.#redis);
  }

  /**
   * Waits until every call is in Postgres, and returns a sentence for the report. Throws when calls
   * are missing or too many.
   */
  async requireCounted(): Promise<string> {
    const startedMs = performance.now();
    let counted = await this.counted();
    while (
      (counted < this.#answered || (await this.flushesWaiting()) > 0) &&
      performance.now() - startedMs < settleMsMax
    ) {
      await sleep(lookMs);
      counted = await this.counted();
    }
    const seconds = (performance.now() - startedMs) / 1_000;
    const waiting = await this.flushesWaiting();
    if (waiting > 0)
      throw new Error(`${waiting} flushes of counts wait still after ${settleMsMax / 1_000} s`);
    if (counted < this.#answered || counted > this.#answered + this.#doubtful) {
      throw new Error(
        `${counted} calls were counted, ${this.#answered} were answered, ${this.#doubtful} are doubtful`,
      );
    }
    return `The worker runs beside; all ${number(this.#answered)} calls that were answered are counted in Postgres, the last of them ${number(seconds, 1)} s after the load.`;
  }

  /** Accepted calls in Postgres. */
  async counted(): Promise<number> {
    const { rows } = await this.#sql.query<{ calls: string }>(
      `SELECT coalesce(sum(calls), 0) AS calls FROM traffic_days WHERE code = 'VALID'`,
    );
    return Number(rows[0]?.calls);
  }
}

function isVerification(job: LoadJob): job is ClosedLoopJob | Extract<LoadJob, { kind: 'fixed rate' }> {
  return 'plan' in job && (job.plan.kind === 'verify' || job.plan.kind === 'authorize');
}
