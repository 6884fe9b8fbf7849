import type { Command } from 'commander';
import type { Revoked } from '../../sdk/api-types.ts';
import { act, type Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { whileWaiting } from '../output/progress.ts';
import { propagationText } from '../output/propagation-text.ts';
import { toOwner } from './user-keys-secrets.ts';

type Options = { user?: string; org?: string; environment?: string };

export function addRevoke(keys: Command): void {
  const command = keys
    .command('revoke [key_id]')
    .description('Revokes one key, or those of a user in an organization.')
    .option('--user <user_id>', 'instead of a key: whose')
    .option('--org <organization_id>', 'and in which organization')
    .option('--environment <name>', 'and only in this environment')
    .action(
      act(async (cli, options: Options, keyId?: string) => {
        if (keyId === undefined) return revokeOwner(cli, options);
        if (Object.keys(options).length > 0)
          throw new UsageError('name a key, or --user and --org, but not both');
        const revoked = await (await cli.keys()).revoke(keyId);
        cli.say(revoked, sentence(revoked));
      }),
    );
  examples(
    command,
    'flowplate keys revoke flk_x1y2z3w4',
    'flowplate keys revoke --user usr_42 --org org_acme',
  );
}

async function revokeOwner(cli: Cli, { user, org, environment }: Options): Promise<void> {
  if (user === undefined || org === undefined) throw new UsageError('name a key, or --user and --org');
  const revoked = await cli
    .masterKey()
    .revokeOwner(toOwner({ user, org, ...(environment && { environment }) }));
  cli.say(revoked, sentence(revoked));
}

export function addRevokeAll(keys: Command): void {
  const command = keys
    .command('revoke-all <user_id>')
    .description('Revokes every key of a user, in every organization.')
    .action(
      act(async (cli, _, userId: string) => {
        const client = await cli.keys();
        const revoked = await whileWaiting(`Revoking the keys of ${userId}`, client.revokeUser(userId));
        cli.say(revoked, sentence(revoked));
      }),
    );
  examples(command, 'flowplate keys revoke-all usr_42');
}

function sentence(revoked: Revoked): string {
  const { revoked_count: count } = revoked;
  return `Revoked ${count} ${count === 1 ? 'key' : 'keys'} (${propagationText(revoked)})`;
}
