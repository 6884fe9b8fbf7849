import type { Command } from 'commander';
import type { Key, KeyFilter, UsageRange } from '../../sdk/api-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { printUsage, usageOptions } from '../usage-command.ts';

const columns: readonly Column<Key>[] = [
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

type Filter = {
  user?: string;
  org?: string;
  environment?: string;
  status?: Key['status'];
  mintedBy?: string;
};

function addList(keys: Command): void {
  const command = pageOptions(keys.command('list').description('Lists keys, newest first. Never a secret.'))
    .option('--user <user_id>', 'whose')
    .option('--org <organization_id>', 'in which organization')
    .option('--environment <name>', 'in which environment')
    .option('--status <status>', 'active, disabled, superseded, revoked or expired')
    .option('--minted-by <master_key_id>', 'by which master key')
    .action(
      act(async (cli, { user, org, environment, status, mintedBy, ...page }: PageOptions & Filter) => {
        const organization_id = org ?? cli.options.asOrg;
        const filter: KeyFilter = {
          user_id: user,
          organization_id,
          environment,
          status,
          minted_by: mintedBy,
        };
        const client = await cli.keys();
        const fetch = (next: PageOptions) => client.listPage({ ...filter, ...next });
        await printList(cli, page, { shape: client.listShape, columns, fetch });
      }),
    );
  examples(command, 'flowplate keys list --user usr_42', 'flowplate keys list --org org_acme --all --json');
}

function addGet(keys: Command): void {
  const command = keys
    .command('get <key_id>')
    .description('Shows one key. Never its secret.')
    .action(
      act(async (cli, _, keyId: string) => {
        const key = await (await cli.keys()).get(keyId);
        if (cli.options.json) cli.printJson(key);
        else cli.printTable([key], columns);
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
