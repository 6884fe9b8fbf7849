import { rollUpUsage } from '../src/usecases/usage/roll-up-usage.ts';
import { defineJob } from './job.ts';

/** Doubled or killed, each flush still counts once: its id and its sums are one transaction. */
export const rollUpUsageJob = defineJob({ name: 'roll-up-usage', run: (parts) => rollUpUsage(parts) });
