import type { Command } from 'commander';
import type { ApiUser, ApiUserChanges, NewApiUser } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { stillPending } from '../output/propagation-text.ts';
import { saveThis } from '../output/save-this.ts';
import type { Column } from '../output/table.ts';
import { orNever } from '../output/time.ts';
import { flag, type ReasonOption, reasonOption } from '../values.ts';

const columns: readonly Column<ApiUser>[] = [
  ['ID', ({ user_id }) => user_id],
  ['NAME', ({ name }) => name],
  ['EMAIL', ({ email }) => email ?? ''],
  ['ROLE', ({ role }) => role],
  ['ACTIVE', ({ is_active }) => String(is_active)],
  ['REQUESTS', ({ usage }) => String(usage.total_requests)],
  ['LAST USED', ({ usage }) => orNever(usage.last_used_at)],
];

export function addApiUsers(program: Command): void {
  const users = program
    .command('users')
    .description(
      'API users, each with one key. Needs the key of one with the role admin in FLOWPLATE_ADMIN_KEY.',
    );
  addBootstrap(users);
  addList(users);
  addCreate(users);
  addGet(users);
  addUpdate(users);
  addDelete(users);
  addRotateKey(users);
  examples(users, 'flowplate users bootstrap --name "Admin Dashboard"', 'flowplate users list');
}

function addBootstrap(users: Command): void {
  const command = users
    .command('bootstrap')
    .description('Creates the first API user, an admin. Needs a super-admin, and works once.')
    .requiredOption('--name <name>', 'who or what it is')
    .option('--email <email>', 'whom to ask about it')
    .action(
      act(async (cli, { name, email }: Pick<NewApiUser, 'name' | 'email'>) => {
        const created = await (await cli.operator('platform')).apiUsers.bootstrap({ name, email });
        const { user, api_key } = created;
        cli.say(
          created,
          `Created API admin: ${user.name} (id: ${user.user_id})`,
          `Key: ${api_key}`,
          saveThis,
        );
      }),
    );
  examples(command, 'flowplate users bootstrap --name "Admin Dashboard" --email admin@example.com');
}

function addList(users: Command): void {
  const command = pageOptions(users.command('list').description('Lists API users, newest first.')).action(
    act(async (cli, page: PageOptions) => {
      const { apiUsers } = cli.apiUserAdmin();
      const fetch = (next: PageOptions) => apiUsers.list(next);
      await printList(cli, page, { shape: 'array', columns, fetch });
    }),
  );
  examples(command, 'flowplate users list', 'flowplate users list --json');
}

function addCreate(users: Command): void {
  const command = users
    .command('create')
    .description('Creates an API user, and shows its key this once.')
    .requiredOption('--name <name>', 'who or what it is')
    .option('--email <email>', 'whom to ask about it')
    .option('--role <role>', 'user or admin')
    .action(
      act(async (cli, { name, email, role }: NewApiUser) => {
        const created = await cli.apiUserAdmin().apiUsers.create({ name, email, role });
        const { user, api_key } = created;
        cli.say(created, `Created API user: ${user.name} (id: ${user.user_id})`, `Key: ${api_key}`, saveThis);
      }),
    );
  examples(command, 'flowplate users create --name "Mobile App" --email app@example.com --role user');
}

function addGet(users: Command): void {
  const command = users
    .command('get <user_id>')
    .description('Shows one API user.')
    .action(
      act(async (cli, _, id: string) => {
        const user = await cli.apiUserAdmin().apiUsers.get(id);
        if (cli.options.json) cli.printJson(user);
        else cli.printTable([user], columns);
      }),
    );
  examples(command, 'flowplate users get x1y2z3w4');
}

function addUpdate(users: Command): void {
  type Options = Omit<ApiUserChanges, 'is_active'> & { active?: boolean };
  const command = users
    .command('update <user_id>')
    .description('Changes the named fields. The key of a user who is not active is refused at once.')
    .option('--name <name>', 'who or what it is')
    .option('--email <email>', 'whom to ask about it')
    .option('--role <role>', 'user or admin')
    .option('--active <true|false>', 'whether its key works', flag)
    .action(
      act(async (cli, { name, email, role, active }: Options, id: string) => {
        const user = await cli.apiUserAdmin().apiUsers.update(id, { name, email, role, is_active: active });
        cli.say(user, `Updated API user: ${user.name} (id: ${user.user_id})`, ...stillPending(user));
      }),
    );
  examples(command, 'flowplate users update x1y2z3w4 --name "Updated Name" --active false');
}

function addDelete(users: Command): void {
  const command = users
    .command('delete <user_id>')
    .description('Deletes an API user. Its key is refused at once.')
    .option(...reasonOption)
    .action(
      act(async (cli, { reasonCode: reason }: ReasonOption, id: string) => {
        const answer = await cli.apiUserAdmin().apiUsers.delete(id, { reason });
        cli.say(answer, `Deleted API user: ${id}`, ...stillPending(answer));
      }),
    );
  examples(command, 'flowplate users delete x1y2z3w4');
}

function addRotateKey(users: Command): void {
  const command = users
    .command('rotate-key <user_id>')
    .description("Replaces an API user's key. The old one is refused at once.")
    .action(
      act(async (cli, _, id: string) => {
        const answer = await cli.apiUserAdmin().apiUsers.rotateKey(id);
        const sentences = [`Rotated the key of API user: ${id}`, `New key: ${answer.api_key}`, saveThis];
        cli.say(answer, ...sentences, ...stillPending(answer));
      }),
    );
  examples(command, 'flowplate users rotate-key x1y2z3w4');
}
