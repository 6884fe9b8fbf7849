import type { Command } from 'commander';
import { act } from '../cli.ts';
import { examples } from '../examples.ts';
import { addAudit } from './audit.ts';
import { addTenants } from './organizations.ts';
import { addOverview } from './overview.ts';
import { addPeople } from './people.ts';
import { addPlatformUsers } from './platform-users.ts';
import { addRoles } from './roles.ts';
import { addSession } from './sessions.ts';

export function addPlatform(program: Command): void {
  const platform = program
    .command('platform')
    .description('Operators, tenants, roles and the audit log of the whole platform.');
  addSession(platform);
  addPlatformUsers(platform);
  addPeople(platform);
  addTenants(platform);
  addRoles(platform);
  addAudit(platform);
  addStats(platform);
  addOverview(platform);
  examples(platform, 'flowplate platform login --email admin@example.com', 'flowplate platform tenants list');
}

function addStats(platform: Command): void {
  const stats = platform.command('stats').description('How many keys there are, and how many calls today.');
  examples(stats, 'flowplate platform stats').action(
    act(async (cli) => {
      const answer = await (await cli.operator('platform')).stats();
      cli.say(
        answer,
        `Total keys: ${answer.total_keys}`,
        `Active keys: ${answer.active_keys}`,
        `Expired keys: ${answer.expired_keys}`,
        `API calls today: ${answer.api_calls_today}`,
      );
    }),
  );
}
