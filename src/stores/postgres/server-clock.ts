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
  #notBeforeMs = 0;

  /** `serverMs` was read on the server somewhere between `sentMs` and `receivedMs` of this process's monotonic clock. */
  observe(serverMs: number, sentMs: number, receivedMs: number): void {
    const wasMs = this.nowMs();
    this.#offsetMs = serverMs - (sentMs + receivedMs) / 2;
    // A small step back is the question's own inaccuracy: the clock waits, so that no key that has expired is good again.
    this.#notBeforeMs = wasMs - this.#read() < smallStepMs ? wasMs : 0;
  }

  nowMs(): number {
    return Math.max(this.#notBeforeMs, this.#read());
  }

  #read(): number {
    return this.#offsetMs + performance.now();
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
