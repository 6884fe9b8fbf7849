import tab from '@bomb.sh/tab/commander';
import { Command, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { addAbsent } from './commands/absent.ts';
import { addApiKeys } from './commands/api-keys.ts';
import { addApiUsers } from './commands/api-users.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnvironments } from './commands/environments.ts';
import { addEvents } from './commands/events.ts';
import { addMasterKeys } from './commands/master-keys.ts';
import { addOrganizations } from './commands/organization-policies.ts';
import { addPlatform } from './commands/platform.ts';
import { addStatus } from './commands/status.ts';
import { addKeys } from './commands/user-keys.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { examples } from './examples.ts';
import { organizationId, reason, serverAddress } from './values.ts';

/** The whole command line on one screen. */
export function createProgram(): Command {
  const program = new Command('flowplate')
    .description('The command line of Flowplate Keys.')
    .version(manifest.version)
    .addOption(
      new Option('--server <url>', 'where Flowplate Keys is')
        .env('FLOWPLATE_SERVER')
        .default('http://localhost:9123')
        .argParser(serverAddress),
    )
    .option(
      '--as-org <organization_id>',
      'act inside this organization; written into the audit log',
      organizationId,
    )
    .option('--reason <text>', 'why you act inside it, for the audit log', reason)
    .option('--json', "print the API's own answer")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help to see how it is used)')
    .exitOverride();
  addPlatform(program);
  addApiKeys(program);
  addEnvironments(program);
  addOrganizations(program);
  addApiUsers(program);
  addKeys(program);
  addMasterKeys(program);
  addEvents(program);
  addWebhooks(program);
  addStatus(program);
  addDoctor(program);
  addCompletion(program);
  addAbsent(program);
  return examples(
    program,
    'flowplate platform login --email admin@example.com',
    'flowplate platform tenants provision --name "Acme Corp"',
    'flowplate --as-org org_x1y2z3w4 env list',
  ).addHelpText('after', credentialsHelp);
}

function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
  const completion = program.commands.find((command) => command.name() === 'completion');
  if (completion === undefined) return;
  examples(
    completion,
    'flowplate completion bash > ~/.local/share/bash-completion/completions/flowplate',
    'flowplate completion zsh > ~/.zfunc/_flowplate',
    'flowplate completion fish > ~/.config/fish/completions/flowplate.fish',
  );
}

const credentialsHelp = `
Credentials never stand on the command line:
  FLOWPLATE_API_KEY     a platform key (flplatform_…) or a tenant key (flkey_…), instead of a login
  FLOWPLATE_MASTER_KEY  for flowplate keys
  FLOWPLATE_ADMIN_KEY   for flowplate users: the key of an API user with the role admin

Proxies: HTTP_PROXY for an http:// server, HTTPS_PROXY for an https:// one, NO_PROXY for the hosts
that are reached without (also in lower case, which goes first).

Times: RFC 3339 with a time zone (2026-03-12T09:00:00Z), or a day in UTC (2026-03-12).

Exit: 0 done, 1 refused, 2 wrong use.`;
