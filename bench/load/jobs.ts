import type { Percentiles } from './latencies.ts';
import type { RequestPlan } from './request-source.ts';

/** Server under load. */
export type Target = { port: number; pid: number };

/** End of a measurement: a time, or a number of answers. */
export type Until = { forMs: number } | { answers: number };

export type ClosedLoopJob = {
  kind: 'closed loop';
  target: Target;
  connections: number;
  plan: RequestPlan;
  /** See `polling`. */
  polls: boolean;
  warmUp: Until;
  until: Until;
};

/** Jobs of the load-generator process. */
export type LoadJob =
  | ClosedLoopJob
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
  /** Warm-up included. */
  inAll: { right: number; wrong: number };
  /** Wrong answers; in no other figure. */
  wrong: number;
  perSecond: number;
  /** Load of the generator's own core, 0 to 1: near 1 it measures itself. */
  loadBusy: number;
  /** CPU time of the server per answer; NaN where unknown. */
  serverMicros: number;
};

/** Revokes keys one after another, and asks every verifier about each, before and after. */
export type RaceJob = {
  kind: 'revoke race';
  masterKey: string;
  /** Targets of the revokes, in turn. */
  apiPorts: readonly number[];
  verifierPorts: readonly number[];
  /** Keys, in the order of their ids. */
  keysFile: string;
  keyIds: readonly string[];
  /** Concurrent revokes. */
  atOnce: number;
  /** Connections per verifier that ask for keys around those being revoked. */
  askersEach: number;
};

export type RaceResult = Percentiles & {
  /** Answered 200 with propagation "complete". */
  completed: number;
  /** All verifications, and those that began after their key's revoke was complete. */
  verified: number;
  verifiedAfter: number;
  /** Accepted among the latter; must be 0. */
  allowedAfter: number;
  perSecond: number;
};

/** One window of decisions of an embedded verifier in the load generator's process. */
export type EmbedJob = {
  kind: 'embed';
  /** Directory of the project whose SDK is measured. */
  checkout: string;
  brokerUrl: string;
  masterKey: string;
  keysFile: string;
  count: number;
  windowMs: number;
  /** The verifier hands its counts over and ends. */
  isLast: boolean;
};

export type EmbedResult = {
  perSecond: number;
  /** CPU time of each decision. */
  micros: number;
  /** All verifications that must be counted. */
  verified: number;
};
