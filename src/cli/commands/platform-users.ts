import type { Command } from 'commander';
import type { PlatformUser, PlatformUserFilter } from '../../sdk/operator-types.ts';
import { askSecret } from '../ask-secret.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { withStepUp } from '../step-up.ts';
import { flag, list } from '../values.ts';
import { passwordStdin } from './sessions.ts';

const columns: readonly Column<PlatformUser>[] = [
  ['ID', ({ id }) => id],
  ['EMAIL', ({ email }) => email],
  ['NAME', ({ name }) => name],
  ['ACTIVE', ({ is_active }) => String(is_active)],
];

export function addPlatformUsers(platform: Command): void {
  const users = platform.command('users').description('Platform users: operators with a password.');
  addList(users);
  addGet(users);
  addCreate(users);
  addUpdate(users);
  addDelete(users);
  addResetPassword(users);
  addResetSecondFactors(users);
  examples(users, 'flowplate platform users list', 'flowplate platform users list --json');
}

type FilterOptions = Omit<PlatformUserFilter, 'is_active'> & { active?: boolean };

function addList(users: Command): void {
  const command = pageOptions(
    users.command('list').description('Lists platform users, newest first unless sorted.'),
  )
    .option('--search <text>', 'a part of the name or the e-mail address')
    .option('--active <true|false>', 'only those that are, or are not', flag)
    .option('--sort <column>', 'created, email, name, status or last_login')
    .option('--order <asc|desc>', 'asc unless set, and desc by created')
    .action(
      act(async (cli, { search, active, sort, order, ...page }: PageOptions & FilterOptions) => {
        const { users } = await cli.operator('platform');
        const filter = { search, is_active: active, sort, order };
        const fetch = (next: PageOptions) => users.list({ ...filter, ...next });
        await printList(cli, page, { shape: 'array', columns, fetch });
      }),
    );
  examples(
    command,
    'flowplate platform users list',
    'flowplate platform users list --search ops --all --json',
  );
}

function addGet(users: Command): void {
  const command = users
    .command('get <user_id>')
    .description('Shows one platform user.')
    .action(
      act(async (cli, _, id: string) => {
        const user = await (await cli.operator('platform')).users.get(id);
        if (cli.options.json) cli.printJson(user);
        else cli.printTable([user], columns);
      }),
    );
  examples(command, 'flowplate platform users get puser_x1y2z3w4');
}

type NewUser = { email: string; name: string; roleIds?: string[]; passwordStdin?: true };

function addCreate(users: Command): void {
  const command = users
    .command('create')
    .description('Creates a platform user. Without roles it may do nothing.')
    .requiredOption('--email <email>', 'to log in with')
    .requiredOption('--name <name>', 'shown to others')
    .option('--role-ids <ids>', 'separated by commas', list)
    .option(...passwordStdin)
    .action(
      act(async (cli, { email, name, roleIds, passwordStdin }: NewUser) => {
        const client = await cli.operator('platform');
        const password = await askSecret({ label: 'Password', fromStdin: passwordStdin });
        const wanted = { email, password, name, role_ids: roleIds };
        const user = await withStepUp(client, () => client.users.create(wanted));
        cli.say(user, `Created platform user: ${user.email} (id: ${user.id})`);
      }),
    );
  examples(
    command,
    'flowplate platform users create --email ops@example.com --name "Ops User" --role-ids role_platform_admin',
  );
}

type Changes = {
  email?: string;
  name?: string;
  active?: boolean;
  roleIds?: string[];
  breakGlass?: boolean;
};

function addUpdate(users: Command): void {
  const command = users
    .command('update <user_id>')
    .description('Changes the named fields. A user who is not active cannot log in; their history stays.')
    .option('--email <email>', 'to log in with')
    .option('--name <name>', 'shown to others')
    .option('--active <true|false>', 'whether they may do anything', flag)
    .option('--role-ids <ids>', 'instead of those held; separated by commas', list)
    .option('--break-glass <true|false>', 'whether the password stays while others use the provider', flag)
    .action(
      act(async (cli, { email, name, active, roleIds, breakGlass }: Changes, id: string) => {
        const client = await cli.operator('platform');
        const changes = { email, name, is_active: active, role_ids: roleIds, is_break_glass: breakGlass };
        const user = await withStepUp(client, () => client.users.update(id, changes));
        cli.say(user, `Updated platform user: ${user.email} (id: ${user.id})`);
      }),
    );
  examples(
    command,
    'flowplate platform users update puser_d4e5f6g7 --name "Operations Lead"',
    'flowplate platform users update puser_d4e5f6g7 --active false',
  );
}

function addDelete(users: Command): void {
  const command = users
    .command('delete <user_id>')
    .description('Removes a platform user for good. What they did stays in the audit log.')
    .action(
      act(async (cli, _, id: string) => {
        const answer = await (await cli.operator('platform')).users.delete(id);
        cli.say(answer, `Deleted platform user: ${id}`);
      }),
    );
  examples(command, 'flowplate platform users delete puser_d4e5f6g7');
}

function addResetPassword(users: Command): void {
  const command = users
    .command('reset-password <user_id>')
    .description('Sets a new password for somebody else, and ends their logins.')
    .option(...passwordStdin)
    .action(
      act(async (cli, { passwordStdin }: { passwordStdin?: true }, id: string) => {
        const client = await cli.operator('platform');
        const password = await askSecret({ label: 'New password', fromStdin: passwordStdin });
        const answer = await withStepUp(client, () => client.users.resetPassword(id, { password }));
        cli.say(answer, `Reset the password of platform user: ${id}`);
      }),
    );
  examples(command, 'flowplate platform users reset-password puser_d4e5f6g7');
}

function addResetSecondFactors(users: Command): void {
  const command = users
    .command('reset-second-factors <user_id>')
    .description('Takes all second factors from somebody who has lost them, and ends their logins.')
    .action(
      act(async (cli, _, id: string) => {
        const client = await cli.operator('platform');
        const answer = await withStepUp(client, () => client.users.resetSecondFactors(id));
        cli.say(answer, `Reset ${answer.removed_count} second factors of platform user: ${id}`);
        cli.note('The password alone lets them in again: have them set up a new one');
      }),
    );
  examples(command, 'flowplate platform users reset-second-factors puser_d4e5f6g7');
}
