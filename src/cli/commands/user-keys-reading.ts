import type { Command } from 'commander';
import type { Key, KeyFilter, UsageRange } from '../../sdk/api-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { writeLinesOf } from '../output/write.ts';
import { printUsage, usageOptions } from '../usage-command.ts';
import { time } from '../values.ts';
import { type FilterOptions, filterOptions, toFilter } from './user-keys-filters.ts';

export const keyColumns: readonly Column<Key>[] = [
  ['ID', ({ key_id }) => key_id],
  ['USER', ({ user_id }) => user_id],
  ['ORGANIZATION', ({ organization_id }) => organization_id],
  ['ENVIRONMENT', ({ environment }) => environment],
  ['PREFIX', ({ key_prefix }) => key_prefix],
  ['STATUS', ({ status }) => status],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
  ['LAST USED', ({ usage }) => orNever(usage.last_used_at)],
  ['EXPIRES', ({ expires_at }) => orNever(expires_at)],
  ['MINTED BY', ({ minted_by }) => minted_by ?? ''],
];

/** Commands that change nothing. */
export function addReading(keys: Command): void {
  addList(keys);
  addGet(keys);
  addUsage(keys);
}

type Filter = FilterOptions & {
  status?: Exclude<Key['status'], 'waiting'>;
  expiresBefore?: string;
  prefix?: string;
  csv?: true;
};

function addList(keys: Command): void {
  const command = filterOptions(
    pageOptions(keys.command('list').description('Lists keys, newest first. Never a secret.')),
  )
    .option('--status <status>', 'active, disabled, superseded, quarantined, revoked or expired')
    .option('--expires-before <time>', 'with an end before this time; a day from its beginning, in UTC', time)
    .option('--prefix <prefix>', 'how the key begins, such as fl_user_prod_x1y2')
    .option('--csv', 'all of them as CSV')
    .action(
      act(async (cli, options: PageOptions & Filter) => {
        const { limit, cursor, all, csv, status, expiresBefore, prefix, ...filters } = options;
        const filter: KeyFilter = {
          ...toFilter(filters),
          ...{
            organization_id: filters.org ?? cli.options.asOrg,
            status,
            expires_before: expiresBefore,
            prefix,
          },
        };
        const client = await cli.keys();
        if (csv) return writeLinesOf(client.csv(filter));
        const page = { ...(limit && { limit }), ...(cursor && { cursor }), ...(all && { all }) };
        const fetch = (next: PageOptions) => client.listPage({ ...filter, ...next });
        await printList(cli, page, { shape: client.listShape, columns: keyColumns, fetch });
      }),
    );
  examples(
    command,
    'flowplate keys list --user usr_42',
    'flowplate keys list --org org_acme --all --json',
    'flowplate keys list --never-used --csv > unused.csv',
  );
}

function addGet(keys: Command): void {
  const command = keys
    .command('get <key_id>')
    .description('Shows one key. Never its secret.')
    .action(
      act(async (cli, _, keyId: string) => {
        const key = await (await cli.keys()).get(keyId);
        if (cli.options.json) cli.printJson(key);
        else cli.printTable([key], keyColumns);
      }),
    );
  examples(command, 'flowplate keys get flk_x1y2z3w4 --json');
}

function addUsage(keys: Command): void {
  const command = usageOptions(keys.command('usage <key_id>'))
    .description('Shows how often a key was used, over time.')
    .action(
      act(async (cli, range: UsageRange, keyId: string) => {
        printUsage(cli, await (await cli.keys()).usage(keyId, range));
      }),
    );
  examples(command, 'flowplate keys usage flk_x1y2z3w4 --from 2026-03-01 --granularity day');
}
