import type { Table } from '../report/table.ts';
import type { Stage } from '../stage/stage.ts';

/** Duration, repetitions and number of keys. */
export type Pace = {
  rounds: number;
  /** Length of one measurement, after its warm-up. */
  windowMs: number;
  /** Keys that verifications draw from. */
  keys: number;
  revokes: number;
  /** Revokes that race with verifications. */
  racedRevokes: number;
  /** Duration of sustained load. */
  sustainedMs: number;
  /** Far more than memory holds. */
  manyKeys: number;
  /** Duration of a run with faults. */
  faultsMs: number;
  /** A protection that the run with faults goes without: it must find out. */
  control?: string | undefined;
  /** Directory of another checkout, with its dependencies, to measure beside this one. */
  before?: string | undefined;
};

export type Scenario = { name: string; about: string; run(stage: Stage, pace: Pace): Promise<Table[]> };

/** Concurrent callers of every measurement. */
export const connections = 64;
