import type { Command } from 'commander';
import type { Environment } from '../../sdk/operator-types.ts';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';

const columns: readonly Column<Environment>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
];

export function addEnvironments(program: Command): void {
  const environments = program
    .command('env')
    .description('Environments of one organization: that of your tenant key, or of --as-org.');
  addList(environments);
  addCreate(environments);
  addDelete(environments);
  examples(environments, 'flowplate --as-org org_x1y2z3w4 env list');
}

function addList(environments: Command): void {
  const command = pageOptions(
    environments.command('list').description('Lists environments, newest first.'),
  ).action(
    act(async (cli, page: PageOptions) => {
      const client = await cli.operator('organization');
      const fetch = (next: PageOptions) => client.environments.list(next);
      await printList(cli, page, { shape: 'page', columns, fetch });
    }),
  );
  examples(command, 'flowplate --as-org org_x1y2z3w4 env list');
}

function addCreate(environments: Command): void {
  const command = environments
    .command('create <name>')
    .description('Creates an environment; its name becomes a part of the keys that are minted in it.')
    .action(
      act(async (cli, _, name: string) => {
        const environment = await (await cli.operator('organization')).environments.create({ name });
        cli.say(environment, `Created environment: ${environment.name} (id: ${environment.id})`);
      }),
    );
  examples(command, 'flowplate --as-org org_x1y2z3w4 env create staging');
}

function addDelete(environments: Command): void {
  const command = environments
    .command('delete <environment_id>')
    .description('Deletes an environment in which no key is left.')
    .action(
      act(async (cli, _, id: string) => {
        const answer = await (await cli.operator('organization')).environments.delete(id);
        cli.say(answer, `Deleted environment: ${id}`);
      }),
    );
  examples(command, 'flowplate --as-org org_x1y2z3w4 env delete env_x1y2z3w4');
}
