import type { Command } from 'commander';
import type { UsageRange } from '../../sdk/api-types.ts';
import type { FlowplateOperatorClient } from '../../sdk/operator-client.ts';
import type { ApiKey, ApiKeyFilter } from '../../sdk/operator-types.ts';
import { act, type Cli } from '../cli.ts';
import { ifReadable, warnOfUse, type YesOption, yesOption } from '../confirm.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { propagationText } from '../output/propagation-text.ts';
import { saveThis } from '../output/save-this.ts';
import type { Column } from '../output/table.ts';
import { orNever, toSeconds } from '../output/time.ts';
import { withStepUp } from '../step-up.ts';
import { printUsage, usageOptions } from '../usage-command.ts';
import { list, type ReasonOption, reasonOption, time } from '../values.ts';

type PlatformOption = { platform?: true | undefined };

export function addApiKeys(program: Command): void {
  const apiKeys = program
    .command('apikey')
    .description(
      'Keys for programs: of a tenant (flkey_), or with --platform of the platform (flplatform_).',
    );
  addCreate(apiKeys);
  addList(apiKeys);
  addGet(apiKeys);
  addUsage(apiKeys);
  addRotate(apiKeys);
  addRevoke(apiKeys);
  addDelete(apiKeys);
  examples(
    apiKeys,
    'flowplate apikey create my-ci-key --platform',
    'flowplate --as-org org_x1y2z3w4 apikey create my-service --scopes read,write',
  );
}

/** Platform keys need an operator. */
function operatorFor(cli: Cli, { platform }: PlatformOption): Promise<FlowplateOperatorClient> {
  return cli.operator(platform ? 'platform' : 'either');
}

type NewKeyOptions = PlatformOption & {
  description?: string;
  scopes?: string[];
  roleIds?: string[];
  environment?: string;
  expiresAt?: string;
};

function addCreate(apiKeys: Command): void {
  const command = apiKeys
    .command('create <name>')
    .description('Creates a key, and shows its secret this once.')
    .option('--platform', 'a key of the platform')
    .option('--description <text>', 'what it is for')
    .option('--scopes <scopes>', 'of a tenant key; separated by commas', list)
    .option('--role-ids <ids>', 'of a platform key; separated by commas', list)
    .option('--environment <name>', 'of a tenant key')
    .option('--expires-at <time>', 'when it ends; a day at its end, in UTC', time)
    .action(
      act(async (cli, options: NewKeyOptions, name: string) => {
        const { description, scopes, roleIds, environment, expiresAt, platform } = options;
        const client = await cli.operator(platform ? 'platform' : 'organization');
        const wanted = {
          ...{ name, description, scopes, environment, platform },
          ...{ role_ids: roleIds, expires_at: expiresAt },
        };
        const created = await withStepUp(client, () => client.apiKeys.create(wanted));
        const kind = platform ? 'Platform Key' : 'API Key';
        cli.say(created, `Created ${kind}: ${name} (id: ${created.id})`, `Key: ${created.key}`, saveThis);
      }),
    );
  examples(
    command,
    'flowplate apikey create my-ci-key --platform',
    'flowplate apikey create my-ci-key --platform --role-ids role_platform_viewer --expires-at 2027-01-01',
    'flowplate --as-org org_x1y2z3w4 apikey create my-service --scopes read,write',
  );
}

type ListOptions = PageOptions &
  PlatformOption & {
    name?: string;
    prefix?: string;
    org?: string;
    status?: ApiKey['status'];
    scope?: string;
    unusedSince?: string;
  };

function addList(apiKeys: Command): void {
  const command = pageOptions(
    apiKeys
      .command('list')
      .description('Lists active keys, newest first; with --all ended ones too. Never a secret.'),
    undefined,
    'every page, and keys that have ended',
  )
    .option('--platform', 'only keys of the platform')
    .option('--name <text>', 'a part of the name')
    .option('--prefix <text>', 'how the key begins; no more of it than is shown')
    .option('--org <organization_id>', 'of this tenant')
    .option('--status <status>', 'active unless set; revoked, expired or disabled')
    .option('--scope <scope>', 'only those that have it')
    .option('--unused-since <time>', 'never used, or not since then; a day from its beginning, in UTC', time)
    .action(
      act(async (cli, options: ListOptions) => {
        const { platform, name, prefix, org, status, scope, unusedSince, ...page } = options;
        const rest = { organization_id: org, unused_since: unusedSince };
        const shown = status ?? (page.all ? undefined : 'active');
        const filter: ApiKeyFilter = { platform, name, prefix, status: shown, scope, ...rest };
        const client = await operatorFor(cli, options);
        const fetch = (next: PageOptions) => client.apiKeys.list({ ...filter, ...next });
        const columns = columnsOf(options, shown !== 'active');
        const none = shown === 'active' ? 'No active keys. --all shows ended ones too' : undefined;
        await printList(cli, page, { shape: 'page', columns, fetch, none });
      }),
    );
  examples(
    command,
    'flowplate apikey list --platform',
    'flowplate --as-org org_x1y2z3w4 apikey list --unused-since 2026-01-01 --all --json',
  );
}

/** The status only where a key may have ended, so that none looks alive. */
function columnsOf({ platform }: PlatformOption, withStatus: boolean): readonly Column<ApiKey>[] {
  const status: Column<ApiKey> = ['STATUS', ({ status }) => status];
  return [
    ['ID', ({ id }) => id],
    ['NAME', ({ name }) => name],
    ['PREFIX', ({ prefix }) => prefix],
    [platform ? 'ROLES' : 'SCOPES', (key) => (key.platform ? key.role_ids : key.scopes).join(',')],
    ['CREATED', ({ created_at }) => toSeconds(created_at)],
    ['LAST USED', ({ last_used_at }) => orNever(last_used_at)],
    ['EXPIRES', ({ expires_at }) => orNever(expires_at)],
    ...(withStatus ? [status] : []),
  ];
}

function addGet(apiKeys: Command): void {
  const command = keyCommand(apiKeys, 'get', 'Shows one key. Never its secret.').action(
    act(async (cli, options: PlatformOption, id: string) => {
      const key = await (await operatorFor(cli, options)).apiKeys.get(id);
      cli.say(
        key,
        `${key.name} (id: ${key.id}): ${key.status}, ${key.key_masked}, expires: ${orNever(key.expires_at)}`,
      );
    }),
  );
  examples(command, 'flowplate apikey get ak_h8i9j0k1', 'flowplate apikey get ak_h8i9j0k1 --json');
}

function addUsage(apiKeys: Command): void {
  const command = usageOptions(
    keyCommand(apiKeys, 'usage', 'Shows how often a key was used, over time.'),
  ).action(
    act(async (cli, { platform, ...range }: PlatformOption & UsageRange, id: string) => {
      const client = await operatorFor(cli, { platform });
      printUsage(cli, await client.apiKeys.usage(id, range));
    }),
  );
  examples(command, 'flowplate apikey usage ak_h8i9j0k1 --from 2026-03-01 --granularity day');
}

function addRotate(apiKeys: Command): void {
  const command = keyCommand(
    apiKeys,
    'rotate',
    'Replaces a key by a new one with a new id. The old one is refused at once.',
  ).action(
    act(async (cli, options: PlatformOption, id: string) => {
      const client = await operatorFor(cli, options);
      const rotated = await withStepUp(client, () => client.apiKeys.rotate(id));
      const sentence = `Rotated API key: ${rotated.name} (id: ${rotated.id})`;
      cli.say(rotated, sentence, `New key: ${rotated.key}`, saveThis);
    }),
  );
  examples(command, 'flowplate apikey rotate ak_h8i9j0k1');
}

type Ending = PlatformOption & ReasonOption & YesOption;

function addRevoke(apiKeys: Command): void {
  const command = keyCommand(apiKeys, 'revoke', 'Ends a key at once. It stays in the list.')
    .option(...reasonOption)
    .option(...yesOption)
    .action(
      act(async (cli, { yes, reasonCode: reason, ...options }: Ending, id: string) => {
        const { apiKeys } = await operatorFor(cli, options);
        if (!yes) await warnOfKey(cli, apiKeys.get(id));
        const answer = await apiKeys.revoke(id, { reason });
        cli.say(answer, `Revoked API key: ${id} (${propagationText(answer)})`);
      }),
    );
  examples(command, 'flowplate apikey revoke ak_h8i9j0k1');
}

function addDelete(apiKeys: Command): void {
  const command = keyCommand(apiKeys, 'delete', 'Ends a key at once, and takes it out of the list.')
    .option(...reasonOption)
    .option(...yesOption)
    .action(
      act(async (cli, { yes, reasonCode: reason, ...options }: Ending, id: string) => {
        const { apiKeys } = await operatorFor(cli, options);
        if (!yes) await warnOfKey(cli, apiKeys.get(id));
        const answer = await apiKeys.delete(id, { reason });
        cli.say(answer, `Deleted API key: ${id} (${propagationText(answer)})`);
      }),
    );
  examples(command, 'flowplate apikey delete ak_h8i9j0k1');
}

async function warnOfKey(cli: Cli, looking: Promise<ApiKey>): Promise<void> {
  const key = await ifReadable(looking);
  if (key?.status === 'active') await warnOfUse(cli, `${key.name} (${key.id})`, key.last_used_at);
}

function keyCommand(apiKeys: Command, verb: string, description: string): Command {
  return apiKeys
    .command(`${verb} <key_id>`)
    .description(description)
    .option('--platform', 'as an operator, even when FLOWPLATE_API_KEY is a tenant key');
}
