import type { Command } from 'commander';
import type { Tenant } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import { propagationText } from '../output/propagation-text.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';

const columns: readonly Column<Tenant>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
];

export function addTenants(platform: Command): void {
  const tenants = platform.command('tenants').description('Organizations.');
  addProvision(tenants);
  addList(tenants);
  addGet(tenants);
  addRename(tenants);
  addSetStatus(tenants, 'suspend', 'suspended', 'Refuses every key of a tenant, until it is resumed.');
  addSetStatus(tenants, 'resume', 'active', 'Ends a suspension.');
  addDelete(tenants);
  examples(
    tenants,
    'flowplate platform tenants provision --name "Acme Corp"',
    'flowplate platform tenants list',
  );
}

function addProvision(tenants: Command): void {
  const command = tenants
    .command('provision')
    .description('Creates a tenant, with the environment default.')
    .requiredOption('--name <name>', 'what it is called')
    .action(
      act(async (cli, { name }: { name: string }) => {
        const tenant = await (await cli.operator('platform')).tenants.provision({ name });
        cli.say(tenant, `Provisioned tenant: ${tenant.name} (id: ${tenant.id})`);
      }),
    );
  examples(command, 'flowplate platform tenants provision --name "Acme Corp"');
}

function addList(tenants: Command): void {
  type Options = PageOptions & { name?: string; status?: Tenant['status'] };
  const command = pageOptions(tenants.command('list').description('Lists tenants, newest first.'))
    .option('--name <text>', 'a part of the name')
    .option('--status <status>', 'active, suspended or deleted')
    .action(
      act(async (cli, { name, status, ...page }: Options) => {
        const client = await cli.operator('platform');
        const fetch = (next: PageOptions) => client.tenants.list({ name, status, ...next });
        await printList(cli, page, { shape: 'array', columns, fetch });
      }),
    );
  examples(
    command,
    'flowplate platform tenants list',
    'flowplate platform tenants list --status suspended --all',
  );
}

function addGet(tenants: Command): void {
  const command = tenants
    .command('get <organization_id>')
    .description('Shows one tenant.')
    .action(
      act(async (cli, _, id: string) => {
        const tenant = await (await cli.operator('platform')).tenants.get(id);
        const created = toSeconds(tenant.created_at);
        cli.say(tenant, `${tenant.name} (id: ${tenant.id}): ${tenant.status}, created ${created}`);
      }),
    );
  examples(command, 'flowplate platform tenants get org_x1y2z3w4');
}

function addRename(tenants: Command): void {
  const command = tenants
    .command('rename <organization_id>')
    .description('Renames a tenant; its id stays.')
    .requiredOption('--name <name>', 'what it is called from now on')
    .action(
      act(async (cli, { name }: { name: string }, id: string) => {
        const tenant = await (await cli.operator('platform')).tenants.update(id, { name });
        cli.say(tenant, `Renamed tenant: ${tenant.name} (id: ${tenant.id})`);
      }),
    );
  examples(command, 'flowplate platform tenants rename org_x1y2z3w4 --name "Acme Inc"');
}

function addSetStatus(
  tenants: Command,
  verb: 'suspend' | 'resume',
  status: 'suspended' | 'active',
  does: string,
): void {
  const command = tenants
    .command(`${verb} <organization_id>`)
    .description(does)
    .action(
      act(async (cli, _, id: string) => {
        const tenant = await (await cli.operator('platform')).tenants.update(id, { status });
        const done = status === 'suspended' ? 'Suspended' : 'Resumed';
        cli.say(tenant, `${done} tenant: ${tenant.name} (id: ${tenant.id}; ${propagationText(tenant)})`);
      }),
    );
  examples(command, `flowplate platform tenants ${verb} org_x1y2z3w4`);
}

function addDelete(tenants: Command): void {
  const command = tenants
    .command('delete <organization_id>')
    .description('Deletes a tenant and ends all its keys, for good.')
    .action(
      act(async (cli, _, id: string) => {
        const answer = await (await cli.operator('platform')).tenants.delete(id);
        cli.say(answer, `Deleted tenant: ${id} (${propagationText(answer)})`);
      }),
    );
  examples(command, 'flowplate platform tenants delete org_x1y2z3w4');
}
