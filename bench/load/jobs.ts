import type { Percentiles } from './latencies.ts';
import type { RequestPlan } from './request-source.ts';

/** Whom a load goes to. */
export type Target = { port: number; pid: number };

/** A measurement ends after a time or after a number of answers. */
export type Until = { forMs: number } | { answers: number };

/** What the process that makes load can be told to do. */
export type LoadJob =
  | {
      kind: 'closed loop';
      target: Target;
      connections: number;
      plan: RequestPlan;
      /** See `polling`. */
      polls: boolean;
      warmUp: Until;
      until: Until;
    }
  | {
      kind: 'fixed rate';
      target: Target;
      connections: number;
      plan: RequestPlan;
      perSecond: number;
      forMs: number;
    }
  | {
      kind: 'insert';
      databaseUrl: string;
      poolSize: number;
      atOnce: number;
      warmUpMs: number;
      forMs: number;
    };

export type LoadResult = Percentiles & {
  answers: number;
  /** Answers that were not as they should be; they are in no other figure. */
  wrong: number;
  perSecond: number;
  /** How much of its core the load generator itself used, 0 to 1: near 1 it measures itself. */
  loadBusy: number;
  /** Processor time of the server for each answer; NaN where the system does not tell. */
  serverMicros: number;
};
