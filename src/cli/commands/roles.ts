import type { Command } from 'commander';
import type { PlatformPermission, Role } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import type { Column } from '../output/table.ts';
import { list } from '../values.ts';

const columns: readonly Column<Role>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['BUILT IN', ({ built_in }) => String(built_in)],
  ['PERMISSIONS', ({ permissions }) => permissions.join(',')],
];

export function addRoles(platform: Command): void {
  const roles = platform.command('roles').description('Named lists of permissions.');
  addList(roles);
  addCreate(roles);
  addUpdate(roles);
  addDelete(roles);
  examples(roles, 'flowplate platform roles list');
}

function addList(roles: Command): void {
  const command = roles
    .command('list')
    .description('Lists all roles, those built in first.')
    .action(
      act(async (cli) => {
        const found = await (await cli.operator('platform')).roles.list();
        if (cli.options.json) cli.printJson(found);
        else cli.printTable(found, columns);
      }),
    );
  examples(command, 'flowplate platform roles list', 'flowplate platform roles list --json');
}

type Settings = { name: string; description?: string; permissions: PlatformPermission[] };

function addCreate(roles: Command): void {
  const command = roles
    .command('create')
    .description('Creates a role from permissions that you have.')
    .requiredOption('--name <name>', 'what it is called')
    .requiredOption('--permissions <permissions>', 'separated by commas', list)
    .option('--description <text>', 'what it is for')
    .action(
      act(async (cli, settings: Settings) => {
        const role = await (await cli.operator('platform')).roles.create(settings);
        cli.say(role, `Created role: ${role.name} (id: ${role.id})`);
      }),
    );
  examples(
    command,
    'flowplate platform roles create --name auditor --permissions platform:audit:read,platform:tenants:read',
  );
}

function addUpdate(roles: Command): void {
  const command = roles
    .command('update <role_id>')
    .description('Changes the named fields. They apply from the next request on.')
    .option('--name <name>', 'what it is called')
    .option('--permissions <permissions>', 'instead of those it has; separated by commas', list)
    .option('--description <text>', 'what it is for')
    .action(
      act(async (cli, changes: Partial<Settings>, id: string) => {
        const role = await (await cli.operator('platform')).roles.update(id, changes);
        cli.say(role, `Updated role: ${role.name} (id: ${role.id})`);
      }),
    );
  examples(command, 'flowplate platform roles update role_x1y2z3w4 --permissions platform:audit:read');
}

function addDelete(roles: Command): void {
  const command = roles
    .command('delete <role_id>')
    .description('Deletes an unused role.')
    .action(
      act(async (cli, _, id: string) => {
        const answer = await (await cli.operator('platform')).roles.delete(id);
        cli.say(answer, `Deleted role: ${id}`);
      }),
    );
  examples(command, 'flowplate platform roles delete role_x1y2z3w4');
}
