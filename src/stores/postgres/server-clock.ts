import { sql } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { Db } from './database.ts';

const smallStepMs = 1_000;

/**
 * The database server's time, carried forward by this process's monotonic clock: replicas whose own clocks disagree still agree
 * on when a key expires. Until the first observation it is the process's own time.
 */
export class ServerClock implements Clock {
  #offsetMs = Date.now() - performance.now();
  #aheadMs = 0;
  #aheadSinceMs = 0;

  /** `serverMs` was read on the server somewhere between `sentMs` and `receivedMs` of this process's monotonic clock. */
  observe(serverMs: number, sentMs: number, receivedMs: number): void {
    const readMs = performance.now();
    const wasMs = this.#at(readMs);
    this.#offsetMs = serverMs - (sentMs + receivedMs) / 2;
    // A small step back is the question's own inaccuracy. The clock then goes at half its speed until it is right (slewing),
    // so that no key that has expired is good again, and two handles made one after the other still sort in that order.
    const aheadMs = wasMs - this.#offsetMs - readMs;
    this.#aheadMs = aheadMs > 0 && aheadMs < smallStepMs ? aheadMs : 0;
    this.#aheadSinceMs = readMs;
  }

  nowMs(): number {
    return this.#at(performance.now());
  }

  #at(readMs: number): number {
    const aheadMs = this.#aheadMs - (readMs - this.#aheadSinceMs) / 2;
    return this.#offsetMs + readMs + Math.max(0, aheadMs);
  }

  now(): Date {
    return new Date(this.nowMs());
  }

  /** By the server's clock or by this process's own, whichever is behind. */
  earliest(): Date {
    return new Date(Math.min(this.nowMs(), Date.now()));
  }
}

/** For a process that sends no heartbeats: one question, one answer. */
export async function readServerTime(db: Db): Promise<Date> {
  const { now } = await sql<{ now: Date }>`SELECT clock_timestamp()::timestamptz(3) AS now`
    .execute(db)
    .then(({ rows }) => rows[0] as { now: Date });
  return now;
}
