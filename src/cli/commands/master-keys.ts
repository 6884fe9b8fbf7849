import type { Command } from 'commander';
import { numberRanges } from '../../sdk/input-rules.ts';
import type {
  MasterKey,
  MasterKeyBounds,
  MasterKeyPermission,
  MintedOrganization,
} from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { propagationText } from '../output/propagation-text.ts';
import { saveThis } from '../output/save-this.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { withStepUp } from '../step-up.ts';
import {
  daySeconds,
  keyAgeDaysMax,
  list,
  livingKeysMax,
  mintQuota,
  type ReasonOption,
  reasonOption,
  time,
  wholeNumber,
} from '../values.ts';

const columns: readonly Column<MasterKey>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['PREFIX', ({ key_prefix }) => key_prefix ?? ''],
  ['PERMISSIONS', ({ permissions }) => permissions.join(',')],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
  ['EXPIRES', ({ expires_at }) => orNever(expires_at)],
  ['REVOKED', ({ revoked_at }) => orNever(revoked_at)],
  ['LAST USED', ({ last_used_at }) => orNever(last_used_at)],
  ['MINTED', ({ minted_count }) => String(minted_count)],
  ['LIVING', ({ living_count }) => String(living_count)],
  ['LIVING MAX', ({ living_keys_max }) => String(living_keys_max ?? '')],
  ['MINT QUOTA', ({ mint_quota }) => (mint_quota === null ? '' : `${mint_quota.limit}/${mint_quota.period}`)],
];

export function addMasterKeys(program: Command): void {
  const masterKeys = program
    .command('masterkeys')
    .description('Master keys of backends and gateways. For super-admins.');
  addCreate(masterKeys);
  addList(masterKeys);
  addGet(masterKeys);
  addUpdate(masterKeys);
  addTree(masterKeys);
  addRotate(masterKeys);
  addRevoke(masterKeys);
  examples(masterKeys, 'flowplate masterkeys create --name gateway --permissions keys:verify');
}

type NewOptions = {
  name: string;
  permissions?: MasterKeyPermission[];
  organizations?: string[];
  environments?: string[];
  ips?: string[];
  expiresAt?: string;
} & Bounds;

function addCreate(masterKeys: Command): void {
  const command = masterKeys
    .command('create')
    .description('Creates a master key, and shows its secret this once.')
    .requiredOption('--name <name>', 'whose it is')
    .option('--permissions <permissions>', 'all unless named; separated by commas', list)
    .option('--organizations <ids>', 'only in these; separated by commas', list)
    .option('--environments <names>', 'only in these; separated by commas', list)
    .option('--ips <ranges>', 'only from these addresses or CIDR ranges; separated by commas', list)
    .option('--expires-at <time>', 'when it ends; a day at its end, in UTC', time)
    .option('--mint-quota <quota>', 'keys it may mint, such as 1000/day', mintQuota)
    .option('--living-keys-max <number>', 'active keys it may have at a time', livingKeysMax)
    .option('--key-age-days-max <days>', 'age at which its keys are due for a refresh', keyAgeDaysMax)
    .action(
      act(async (cli, options: NewOptions) => {
        const { name, permissions, organizations, environments, ips, expiresAt } = options;
        const client = await cli.operator('platform');
        const wanted = {
          ...{ name, permissions, environments },
          ...{ organization_ids: organizations, ip_allowlist: ips, expires_at: expiresAt },
          ...toBounds(options),
        };
        const created = await withStepUp(client, () => client.masterKeys.create(wanted));
        cli.say(created, `Created master key: ${name} (id: ${created.id})`, `Key: ${created.key}`, saveThis);
      }),
    );
  examples(
    command,
    'flowplate masterkeys create --name gateway --permissions keys:verify',
    'flowplate masterkeys create --name billing --permissions keys:mint,keys:revoke --ips 10.0.0.0/8',
  );
}

type Bounds = {
  mintQuota?: NonNullable<MasterKeyBounds['mint_quota']> | 'none';
  livingKeysMax?: number | 'none';
  keyAgeDaysMax?: number | 'none';
};

function toBounds({ mintQuota, livingKeysMax, keyAgeDaysMax }: Bounds): MasterKeyBounds {
  return {
    mint_quota: mintQuota === 'none' ? null : mintQuota,
    living_keys_max: livingKeysMax === 'none' ? null : livingKeysMax,
    key_age_seconds_max: keyAgeDaysMax === 'none' ? null : keyAgeDaysMax && keyAgeDaysMax * daySeconds,
  };
}

function addUpdate(masterKeys: Command): void {
  const command = masterKeys
    .command('update <master_key_id>')
    .description('Changes what a master key may mint. It holds for its next mint.')
    .option('--mint-quota <quota>', 'such as 1000/day, or none', mintQuota)
    .option('--living-keys-max <number>', 'active keys at a time, or none', livingKeysMax)
    .option(
      '--key-age-days-max <days>',
      'age at which its keys are due for a refresh, or none',
      keyAgeDaysMax,
    )
    .action(
      act(async (cli, bounds: Bounds, id: string) => {
        const client = await cli.operator('platform');
        const changed = await withStepUp(client, () => client.masterKeys.update(id, toBounds(bounds)));
        cli.say(changed, `Updated master key: ${changed.name} (id: ${id})`);
      }),
    );
  examples(command, 'flowplate masterkeys update flm_x1y2z3w4 --mint-quota 1000/day --living-keys-max none');
}

const treeColumns: readonly Column<MintedOrganization>[] = [
  ['ORGANIZATION', ({ organization_id }) => organization_id],
  ['LIVING', ({ living_count }) => String(living_count)],
  ['ALL', ({ total_count }) => String(total_count)],
];

function addTree(masterKeys: Command): void {
  const command = pageOptions(
    masterKeys
      .command('tree <master_key_id>')
      .description(
        'Lists the organizations for which it has minted, with the number of its keys. Of one: keys list --minted-by.',
      ),
  ).action(
    act(async (cli, page: PageOptions, id: string) => {
      const client = await cli.operator('platform');
      const fetch = (next: PageOptions) => client.masterKeys.organizations(id, next);
      await printList(cli, page, { shape: 'array', columns: treeColumns, fetch });
    }),
  );
  examples(command, 'flowplate masterkeys tree flm_x1y2z3w4 --all');
}

function addList(masterKeys: Command): void {
  const command = pageOptions(
    masterKeys.command('list').description('Lists master keys, newest first.'),
  ).action(
    act(async (cli, page: PageOptions) => {
      const client = await cli.operator('platform');
      const fetch = (next: PageOptions) => client.masterKeys.list(next);
      await printList(cli, page, { shape: 'array', columns, fetch });
    }),
  );
  examples(command, 'flowplate masterkeys list');
}

function addGet(masterKeys: Command): void {
  const command = masterKeys
    .command('get <master_key_id>')
    .description('Shows one master key. Never its secret.')
    .action(
      act(async (cli, _, id: string) => {
        const key = await (await cli.operator('platform')).masterKeys.get(id);
        if (cli.options.json) cli.printJson(key);
        else cli.printTable([key], columns);
      }),
    );
  examples(command, 'flowplate masterkeys get flm_x1y2z3w4 --json');
}

function addRotate(masterKeys: Command): void {
  const command = masterKeys
    .command('rotate <master_key_id>')
    .description('Creates a successor with the same settings. The old key works during the overlap.')
    .option(
      '--overlap-seconds <number>',
      'a day unless named; 0 ends the old one at once',
      wholeNumber(numberRanges.overlapSeconds),
    )
    .action(
      act(async (cli, { overlapSeconds }: { overlapSeconds?: number }, id: string) => {
        const client = await cli.operator('platform');
        const overlap = { overlap_seconds: overlapSeconds };
        const rotated = await withStepUp(client, () => client.masterKeys.rotate(id, overlap));
        const sentence = `Rotated master key: ${rotated.name} (id: ${rotated.id})`;
        cli.say(rotated, sentence, `New key: ${rotated.key}`, saveThis);
      }),
    );
  examples(command, 'flowplate masterkeys rotate flm_x1y2z3w4 --overlap-seconds 3600');
}

function addRevoke(masterKeys: Command): void {
  const command = masterKeys
    .command('revoke <master_key_id>')
    .description('Revokes a master key at once. The keys that it minted keep working.')
    .option(...reasonOption)
    .action(
      act(async (cli, { reasonCode: reason }: ReasonOption, id: string) => {
        const answer = await (await cli.operator('platform')).masterKeys.revoke(id, { reason });
        cli.say(answer, `Revoked master key: ${id} (${propagationText(answer)})`);
      }),
    );
  examples(command, 'flowplate masterkeys revoke flm_x1y2z3w4');
}
