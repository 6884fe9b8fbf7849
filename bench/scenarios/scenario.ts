import type { Table } from '../report/table.ts';
import type { Stage } from '../stage/stage.ts';

/** How long and how often, and how many keys. */
export type Pace = {
  rounds: number;
  /** The length of one measurement, after its warm-up. */
  windowMs: number;
  /** Keys that verifications draw from. */
  keys: number;
  revokes: number;
  /** Revokes that are raced by verifications. */
  racedRevokes: number;
  /** How long load is kept up where a figure must be one that lasts. */
  sustainedMs: number;
  /** Far more than memory holds. */
  manyKeys: number;
};

export type Scenario = { name: string; about: string; run(stage: Stage, pace: Pace): Promise<Table[]> };

/** As many callers at once as architecture §6 measured with. */
export const connections = 64;
