import type { Command } from 'commander';
import { numberRanges } from '../../sdk/input-rules.ts';
import type { Event, EventFilter } from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { printable } from '../output/printable.ts';
import { toSeconds } from '../output/time.ts';
import { wholeNumber } from '../values.ts';

const cells: readonly ((event: Event) => string)[] = [
  ({ timestamp }) => toSeconds(timestamp),
  ({ type }) => type,
  ({ data }) => data.target_id ?? '-',
  ({ data }) => data.organization_id ?? '-',
  ({ data }) => data.event_id,
];

type Options = { after?: string; types?: string; org?: string; limit?: number };

export function addEvents(program: Command): void {
  const events = program
    .command('events')
    .description('Events of the audit log as other systems see them, oldest first.');
  addList(events);
  addTail(events);
  examples(events, 'flowplate events list --types key.minted,key.revoked', 'flowplate events tail --json');
}

function addList(events: Command): void {
  const command = eventOptions(events.command('list'))
    .description('Lists events from the first one on, or from where an earlier list ended.')
    .option('--after <cursor>', 'where an earlier list ended')
    .option('--follow', 'goes on with new events until Ctrl-C')
    .action(
      act(async (cli, { follow, ...options }: Options & { follow?: true }) => {
        if (follow) return followEvents(cli, toFilter(options));
        const client = await cli.operator('platform');
        const { data, next_cursor } = await client.events.pull(toFilter(options));
        printEvents(cli, data);
        process.stderr.write(`To go on: --after ${printable(next_cursor)}\n`);
      }),
    );
  examples(command, 'flowplate events list --org org_x1y2z3w4 --limit 100 --json');
}

function addTail(events: Command): void {
  const command = eventOptions(events.command('tail'))
    .description('Prints new events as they come, until Ctrl-C; with --json one a line.')
    .option('--after <cursor>', 'begins where an earlier list ended, instead of now')
    .action(
      act((cli, { after = 'latest', ...options }: Options) =>
        followEvents(cli, toFilter({ ...options, after })),
      ),
    );
  examples(command, 'flowplate events tail --types platform.login.refused');
}

function eventOptions(command: Command): Command {
  return command
    .option('--types <types>', 'types of events, separated by commas; docs/events.md lists them')
    .option('--org <organization_id>', 'of this organization')
    .option('--limit <number>', 'how many at once', wholeNumber(numberRanges.auditPageSize));
}

function toFilter({ after, types, org, limit }: Options): EventFilter {
  return { after, types: types?.split(',') as EventFilter['types'], organization_id: org, limit };
}

/** Long polls, one after the other. An error ends it. */
async function followEvents(cli: Cli, filter: EventFilter): Promise<void> {
  const client = await cli.operator('platform');
  const wait_seconds = numberRanges.eventWaitSeconds.max;
  for (let after = filter.after; ; ) {
    const page = await client.events.pull({ ...filter, after, wait_seconds });
    printEvents(cli, page.data);
    after = page.next_cursor;
  }
}

function printEvents(cli: Cli, events: readonly Event[]): void {
  for (const event of events) {
    const line = cli.options.json ? JSON.stringify(event) : cells.map((cell) => cell(event)).join('  ');
    process.stdout.write(`${printable(line)}\n`);
  }
}
