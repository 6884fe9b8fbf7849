import type { Command } from 'commander';
import type { KeyUsage } from '../sdk/api-types.ts';
import type { Traffic } from '../sdk/operator-types.ts';
import type { Cli } from './cli.ts';
import type { Column } from './output/table.ts';
import { toSeconds } from './output/time.ts';
import { time } from './values.ts';

export function usageOptions(command: Command): Command {
  return command
    .option('--from <time>', 'from when on; a day from its beginning, in UTC', time)
    .option('--to <time>', 'until when; a day to its end, in UTC', time)
    .option('--granularity <hour|day>', 'in which steps');
}

/** Prints usage of a key, or of all keys, over time. */
export function printUsage(cli: Cli, usage: KeyUsage | Traffic): void {
  if (cli.options.json) {
    cli.printJson(usage);
    return;
  }
  const { data, totals } = usage;
  cli.printTable(data, columnsOf(data));
  const cost = 'cost' in totals ? `, cost ${totals.cost}` : '';
  cli.say(usage, `Total: ${totals.requests} requests, ${totals.refused} refused${cost}`);
}

type Step = { start: string; requests: number; refused: number; cost?: number };

function columnsOf(steps: readonly Step[]): readonly Column<Step>[] {
  const cost: Column<Step> = ['COST', (step) => String(step.cost)];
  return [
    ['START', ({ start }) => toSeconds(start)],
    ['REQUESTS', ({ requests }) => String(requests)],
    ['REFUSED', ({ refused }) => String(refused)],
    ...(steps.some((step) => step.cost !== undefined) ? [cost] : []),
  ];
}
