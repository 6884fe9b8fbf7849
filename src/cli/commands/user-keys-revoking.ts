import type { Command } from 'commander';
import type { Key, KeyFilter, Revoked } from '../../sdk/api-types.ts';
import { act, type Cli } from '../cli.ts';
import { confirm, ifReadable, warnOfUse, type YesOption, yesOption } from '../confirm.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import type { KeysClient } from '../keys-client.ts';
import { whileWaiting } from '../output/progress.ts';
import { propagationText } from '../output/propagation-text.ts';
import { orNever } from '../output/time.ts';
import { type ReasonOption, reasonOption } from '../values.ts';
import { toOwner } from './user-keys-secrets.ts';

type Options = { user?: string; org?: string; environment?: string };

export function addRevoke(keys: Command): void {
  const command = keys
    .command('revoke [key_id]')
    .description('Revokes one key, or those of a user in an organization. Asks if one was used lately.')
    .option('--user <user_id>', 'instead of a key: whose')
    .option('--org <organization_id>', 'and in which organization')
    .option('--environment <name>', 'and only in this environment')
    .option(...reasonOption)
    .option(...yesOption)
    .action(
      act(
        async (
          cli,
          { yes, reasonCode: reason, ...options }: Options & ReasonOption & YesOption,
          keyId?: string,
        ) => {
          if (keyId === undefined) return revokeOwner(cli, options, { yes, reasonCode: reason });
          if (Object.keys(options).length > 0)
            throw new UsageError('name a key, or --user and --org, but not both');
          const client = await cli.keys();
          if (!yes) await warnOfKeys(cli, await ifReadable(client.get(keyId).then((key) => [key])));
          const revoked = await client.revoke(keyId, { reason });
          cli.say(revoked, sentence(revoked));
        },
      ),
    );
  examples(
    command,
    'flowplate keys revoke flk_x1y2z3w4 --reason-code key_compromise',
    'flowplate keys revoke --user usr_42 --org org_acme --yes',
  );
}

async function revokeOwner(
  cli: Cli,
  { user, org, environment }: Options,
  { yes, reasonCode: reason }: YesOption & ReasonOption,
): Promise<void> {
  if (user === undefined || org === undefined) throw new UsageError('name a key, or --user and --org');
  const client = cli.masterKey();
  const owner = toOwner({ user, org, ...(environment && { environment }) });
  if (!yes) await warnOfKeys(cli, await ifReadable(livingKeys(await cli.keys(), owner)));
  const revoked = await client.revokeOwner(owner, { reason });
  cli.say(revoked, sentence(revoked));
}

export function addRevokeAll(keys: Command): void {
  const command = keys
    .command('revoke-all <user_id>')
    .description('Revokes every key of a user, in every organization. Asks before.')
    .option(...reasonOption)
    .option(...yesOption)
    .action(
      act(async (cli, { yes, reasonCode: reason }: ReasonOption & YesOption, userId: string) => {
        const client = await cli.keys();
        if (!yes) await confirmAll(userId, await ifReadable(livingKeys(client, { user_id: userId })));
        const revoking = client.revokeUser(userId, { reason });
        const revoked = await whileWaiting(`Revoking the keys of ${userId}`, revoking);
        cli.say(revoked, sentence(revoked));
      }),
    );
  examples(command, 'flowplate keys revoke-all usr_42', 'flowplate keys revoke-all usr_42 --yes');
}

/** Names what ends: nobody can take it back. A user without keys needs no question. */
async function confirmAll(userId: string, keys: readonly Key[] | undefined): Promise<void> {
  if (keys?.length === 0) return;
  await confirm(statementOf(userId, keys), 'Revoke them all?');
}

function statementOf(userId: string, keys: readonly Key[] | undefined): string {
  if (keys === undefined)
    return `How many keys ${userId} has cannot be told: this credential may not read them`;
  const organizations = [...new Set(keys.map(({ organization_id }) => organization_id))];
  const named = organizations.slice(0, namedMax).join(', ');
  const more = organizations.length > namedMax ? ', …' : '';
  const count = `${keys.length >= countedMax ? `${countedMax} or more` : keys.length} ${keys.length === 1 ? 'key' : 'keys'}`;
  const where = `${organizations.length} ${organizations.length === 1 ? 'organization' : 'organizations'}`;
  return `${userId} has ${count} in ${where} (${named}${more}), last used: ${orNever(lastUseOf(keys))}`;
}

/** Enough for a person to see what is about to happen. */
const countedMax = 1_000;
const namedMax = 5;
const pageSize = 100;

const ended: readonly Key['status'][] = ['revoked', 'expired'];

async function livingKeys(client: KeysClient, filter: KeyFilter): Promise<Key[]> {
  const keys: Key[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.listPage({ ...filter, limit: pageSize, cursor });
    keys.push(...page.data.filter(({ status }) => !ended.includes(status)));
    if (page.next_cursor === null || keys.length >= countedMax) return keys;
    cursor = page.next_cursor;
  }
}

async function warnOfKeys(cli: Cli, keys: readonly Key[] = []): Promise<void> {
  const living = keys.filter(({ status }) => !ended.includes(status));
  const [first] = living;
  if (first === undefined) return;
  const what =
    living.length === 1 ? `Key ${first.key_id} of ${first.user_id}` : `One of ${living.length} keys`;
  await warnOfUse(cli, what, lastUseOf(living));
}

function lastUseOf(keys: readonly Key[]): string | undefined {
  const uses = keys.flatMap(({ usage }) => usage.last_used_at ?? []);
  return uses.sort().at(-1);
}

function sentence(revoked: Revoked): string {
  const { revoked_count: count } = revoked;
  return `Revoked ${count} ${count === 1 ? 'key' : 'keys'} (${propagationText(revoked)})`;
}
