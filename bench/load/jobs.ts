import type { Percentiles } from './latencies.ts';
import type { RequestPlan } from './request-source.ts';

/** Whom a load goes to. */
export type Target = { port: number; pid: number };

/** A measurement ends after a time or after a number of answers. */
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

/** What the process that makes load can be told to do. */
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
  /** Those of the warm-up included. */
  inAll: { right: number; wrong: number };
  /** Answers that were not as they should be; they are in no other figure. */
  wrong: number;
  perSecond: number;
  /** How much of its core the load generator itself used, 0 to 1: near 1 it measures itself. */
  loadBusy: number;
  /** Processor time of the server for each answer; NaN where the system does not tell. */
  serverMicros: number;
};

/** Revokes keys one after another and asks every verifier about each of them, before and after. */
export type RaceJob = {
  kind: 'revoke race';
  masterKey: string;
  /** Where the revokes go, in turn. */
  apiPorts: readonly number[];
  verifierPorts: readonly number[];
  /** Its keys, in the order of their ids. */
  keysFile: string;
  keyIds: readonly string[];
  /** Revokes at once. */
  atOnce: number;
  /** Connections to each verifier that ask for the keys around those that are being revoked. */
  askersEach: number;
};

export type RaceResult = Percentiles & {
  /** Answered 200 with propagation "complete". */
  completed: number;
  /** Every verification, and those of them that began after their key's revoke was complete. */
  verified: number;
  verifiedAfter: number;
  /** Those of the latter that said yes: there must be none. */
  allowedAfter: number;
  perSecond: number;
};

/** Decisions of an embedded verifier in the load generator's own process. */
export type EmbedJob = {
  kind: 'embed';
  brokerUrl: string;
  masterKey: string;
  keysFile: string;
  count: number;
  rounds: number;
  windowMs: number;
};

export type EmbedResult = {
  /** Decisions per second, for each round. */
  perSecond: number[];
  /** All verifications that it should have counted. */
  verified: number;
};
