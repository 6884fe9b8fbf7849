import type { Command } from 'commander';
import { act } from '../cli.ts';
import { confirm, type YesOption, yesOption } from '../confirm.ts';
import { examples } from '../examples.ts';

export function addPeople(platform: Command): void {
  const people = platform
    .command('people')
    .description('Names and e-mail addresses behind the ids of the audit log.');
  addShow(people);
  addErase(people);
  examples(people, 'flowplate platform people show puser_a1b2c3d4e5f6');
}

function addShow(people: Command): void {
  const command = people
    .command('show <user_id>')
    .description('Shows who a platform user or an API user is, or was.')
    .action(
      act(async (cli, _, id: string) => {
        const person = await (await cli.operator('platform')).people.get(id);
        cli.say(
          person,
          `ID: ${person.id}`,
          `Name: ${person.name ?? 'erased'}`,
          `Email: ${person.email ?? (person.erased_at === null ? 'none' : 'erased')}`,
          `Deleted: ${person.ended_at ?? 'no'}`,
        );
      }),
    );
  examples(command, 'flowplate platform people show puser_a1b2c3d4e5f6');
}

function addErase(people: Command): void {
  const command = people
    .command('erase <user_id>')
    .description('Erases the name and e-mail address of a deleted user for ever. The audit log keeps the id.')
    .option(...yesOption)
    .action(
      act(async (cli, options: YesOption, id: string) => {
        if (!options.yes) {
          await confirm(`The name and address of ${id} cannot be brought back`, 'Erase them?');
        }
        const answer = await (await cli.operator('platform')).people.erase(id);
        cli.say(answer, `Erased the name and address of ${id}`);
      }),
    );
  examples(command, 'flowplate platform people erase puser_a1b2c3d4e5f6 --yes');
}
