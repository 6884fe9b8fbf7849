import { rollUpWhenDue } from '../src/usecases/usage/roll-up-when-due.ts';
import { defineJob } from './job.ts';

/** The schedule goes on while a run takes longer than its rhythm. A second one in this process would read the same flushes. */
let isRunning = false;

/** Doubled or killed, each flush still counts once: its id and its sums are one transaction. */
export const rollUpUsageJob = defineJob({
  name: 'roll-up-usage',
  async run(parts) {
    if (isRunning) return 0;
    isRunning = true;
    try {
      return await rollUpWhenDue(parts);
    } finally {
      isRunning = false;
    }
  },
});
