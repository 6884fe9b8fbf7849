import { type Command, InvalidArgumentError } from 'commander';
import type { UsageRange } from '../../sdk/api-types.ts';
import type { QueueHealth, TopTraffic, Verifiers } from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { printUsage, usageOptions } from '../usage-command.ts';
import { time, wholeNumber } from '../values.ts';
import { clearScreen, watch } from '../watch.ts';

/** Commands for traffic, verifiers and background jobs. */
export function addOverview(platform: Command): void {
  addTraffic(platform);
  addVerifiers(platform);
  addQueues(platform);
}

function addTraffic(platform: Command): void {
  const traffic = platform
    .command('traffic')
    .description('Calls and refusals of all keys. Over time unless told otherwise.');
  const overTime = usageOptions(traffic.command('list', { isDefault: true }))
    .description('Shows calls and refusals of all keys, over time.')
    .action(
      act(async (cli, range: UsageRange) => {
        printUsage(cli, await (await cli.operator('platform')).overview.traffic(range));
      }),
    );
  examples(overTime, 'flowplate platform traffic --from 2026-03-01 --granularity day');
  addTop(traffic);
  examples(traffic, 'flowplate platform traffic', 'flowplate platform traffic top --day 2026-03-12');
}

const topTenants: readonly Column<NonNullable<TopTraffic['tenants']>[number]>[] = [
  ['TENANT', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['REQUESTS', ({ requests }) => String(requests)],
  ['REFUSED', ({ refused }) => String(refused)],
];

const topKeys: readonly Column<TopTraffic['keys'][number]>[] = [
  ['KEY', ({ id }) => id],
  ['NAME', ({ name }) => name ?? ''],
  ['KIND', ({ kind }) => kind],
  ['ORGANIZATION', ({ organization_id }) => organization_id ?? ''],
  ['REQUESTS', ({ requests }) => String(requests)],
  ['REFUSED', ({ refused }) => String(refused)],
];

function addTop(traffic: Command): void {
  const command = traffic
    .command('top')
    .description('The tenants and keys with the most calls of a day.')
    .option('--day <yyyy-mm-dd>', 'in UTC; today unless set', day)
    .option('--limit <number>', 'how many of each, at most 20', wholeNumber({ min: 1, max: 20 }))
    .action(
      act(async (cli, query: { day?: string; limit?: number }) => {
        const top = await (await cli.operator('platform')).overview.topTraffic(query);
        if (cli.options.json) return cli.printJson(top);
        if (top.tenants !== null) {
          cli.printTable(top.tenants, topTenants);
          cli.say(top, '');
        }
        cli.printTable(top.keys, topKeys);
      }),
    );
  examples(command, 'flowplate platform traffic top --day 2026-03-12 --limit 5');
}

function day(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return time(text);
  throw new InvalidArgumentError('It must be a day such as 2026-03-12.');
}

const verifierColumns: readonly Column<Verifiers['data'][number]>[] = [
  ['ID', ({ id }) => id],
  ['KIND', ({ kind }) => kind],
  ['MASTER KEY', ({ master_key_id }) => master_key_id ?? ''],
  ['STATE', ({ state }) => state],
  ['LEASE LEFT', ({ lease_left_ms }) => `${(lease_left_ms / 1_000).toFixed(1)} s`],
  ['BEHIND', ({ behind }) => String(behind)],
  ['BEHIND FOR', ({ behind_ms }) => `${(behind_ms / 1_000).toFixed(1)} s`],
  ['STARTED', ({ started_at }) => toSeconds(started_at)],
];

function addVerifiers(platform: Command): void {
  const command = platform
    .command('verifiers')
    .description(
      'The processes that verify from memory, with their leases. One that is behind delays revokes.',
    )
    .option('--watch', 'again every 2 seconds, until Ctrl-C')
    .action(
      act(async (cli, options: { watch?: true }) => {
        const client = await cli.operator('platform');
        const show = async () => {
          const verifiers = await client.overview.verifiers();
          if (options.watch) clearScreen();
          printVerifiers(cli, verifiers);
        };
        await (options.watch ? watch(show) : show());
      }),
    );
  examples(command, 'flowplate platform verifiers', 'flowplate platform verifiers --watch');
}

function printVerifiers(cli: Cli, verifiers: Verifiers): void {
  if (cli.options.json) {
    cli.printJson(verifiers);
    return;
  }
  cli.printTable(verifiers.data, verifierColumns);
  const { live, lapsed, head_seq } = verifiers;
  cli.say(verifiers, `${live} live, ${lapsed} lapsed; newest change: ${head_seq}`);
}

function addQueues(platform: Command): void {
  const command = platform
    .command('queues')
    .description('State of the background jobs. No decision about a key waits for them.')
    .action(
      act(async (cli) => {
        const health = await (await cli.operator('platform')).overview.queues();
        cli.say(health, ...queueSentences(health));
      }),
    );
  examples(command, 'flowplate platform queues');
}

function queueSentences({ queue, usage_flushes_waiting }: QueueHealth): string[] {
  if (queue === null) return ['Redis does not answer. Jobs wait; keys are verified without it'];
  const { waiting, active, delayed, failed, oldest_due, last_completed, last_failed } = queue;
  return [
    `Jobs: ${waiting} waiting, ${active} active, ${delayed} scheduled, ${failed} failed`,
    `Last completed: ${last_completed === null ? 'never' : `${last_completed.job} at ${orNever(last_completed.at)}`}`,
    ...(last_failed === null ? [] : [`Last failed: ${last_failed.job} at ${orNever(last_failed.at)}`]),
    ...(oldest_due === null ? [] : [`Due for ${oldest_due.seconds} s: ${oldest_due.job}`]),
    `Usage flushes waiting: ${usage_flushes_waiting ?? 'unknown'}`,
  ];
}
