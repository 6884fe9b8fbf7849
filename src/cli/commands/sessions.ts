import type { Command } from 'commander';
import { FlowplateApiError } from '../../sdk/errors.ts';
import type { Login } from '../../sdk/operator-types.ts';
import { askSecret, askSecrets } from '../ask-secret.ts';
import { logInByBrowser } from '../browser-login.ts';
import { act, type Cli, secretOf } from '../cli.ts';
import { requireTenantKey } from '../credentials/choose-credential.ts';
import { findLogin, removeLogin, saveLogin } from '../credentials/credentials-file.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { toSeconds } from '../output/time.ts';

type PasswordOption = { passwordStdin?: true };

export const passwordStdin = ['--password-stdin', 'read it from stdin instead of asking'] as const;

/** Commands to log in and out. */
export function addSession(platform: Command): void {
  addCreateAdmin(platform);
  addLogin(platform);
  addLogout(platform);
  addWhoami(platform);
  addChangePassword(platform);
}

function addCreateAdmin(platform: Command): void {
  const command = platform
    .command('create-admin')
    .description('Creates the first platform user. Needs a tenant key in FLOWPLATE_API_KEY; works once.')
    .requiredOption('--email <email>', 'to log in with')
    .requiredOption('--name <name>', 'shown to others')
    .option(...passwordStdin)
    .action(
      act(async (cli, { email, name, passwordStdin }: { email: string; name: string } & PasswordOption) => {
        const client = cli.as(requireTenantKey(secretOf('FLOWPLATE_API_KEY')));
        const password = await askSecret({ label: 'Password', fromStdin: passwordStdin });
        const user = await client.session.bootstrap({ email, password, name });
        cli.say(user, `Created platform admin: ${user.email} (id: ${user.id})`);
      }),
    );
  examples(
    command,
    'FLOWPLATE_API_KEY="flkey_..." flowplate platform create-admin --email admin@example.com --name "Platform Admin"',
  );
}

function addLogin(platform: Command): void {
  const command = platform
    .command('login')
    .description(
      'Logs in, and keeps the token for the commands that follow. Through the browser unless --email.',
    )
    .option('--email <email>', 'whose, to log in with a password')
    .option(...passwordStdin)
    .option('--browser', 'approve the log-in in a browser; the default at a terminal')
    .option('--open', 'open that page with the program of this machine')
    .action(
      act(async (cli, options: LoginOptions) => {
        const { token, expires_at, user } = isByBrowser(options)
          ? await logInByBrowser(cli, { isOpened: options.open === true })
          : await logInByPassword(cli, options);
        await saveLogin(cli.credentials, cli.options.server, { email: user.email, token, expires_at });
        // Without the token, which is in the file.
        cli.say({ expires_at, user }, `Logged in as ${user.email} (expires: ${toSeconds(expires_at)})`);
      }),
    );
  examples(
    command,
    'flowplate platform login',
    'flowplate platform login --email admin@example.com',
    'flowplate platform login --browser --open',
  );
}

type LoginOptions = { email?: string; browser?: true; open?: true } & PasswordOption;

function isByBrowser({ email, browser, open, passwordStdin }: LoginOptions): boolean {
  const wantsBrowser = browser ?? open ?? false;
  const wantsPassword = email !== undefined || passwordStdin === true;
  if (wantsBrowser && wantsPassword) {
    throw new UsageError('--email and --password-stdin log in with a password, --browser and --open without');
  }
  if (wantsBrowser || wantsPassword) return wantsBrowser;
  if (process.stdin.isTTY) return true;
  throw new UsageError('there is no terminal: add --email <email> --password-stdin, or --browser');
}

async function logInByPassword(cli: Cli, { email, passwordStdin }: LoginOptions): Promise<Login> {
  if (email === undefined) throw new UsageError('say whose password it is: add --email <email>');
  const password = await askSecret({ label: 'Password', fromStdin: passwordStdin });
  return cli.as(undefined).session.login({ email, password });
}

function addLogout(platform: Command): void {
  const command = platform
    .command('logout')
    .description('Ends the login here and on the server.')
    .action(
      act(async (cli) => {
        const { server } = cli.options;
        const login = await findLogin(cli.credentials, server);
        if (login === undefined) {
          return cli.say({ success: true, message: 'Not logged in' }, `You are not logged in to ${server}`);
        }
        await cli.as(login.token).session.logout().catch(unlessOver);
        await removeLogin(cli.credentials, server);
        cli.say({ success: true, message: 'Logged out' }, `Logged out ${login.email}`);
      }),
    );
  examples(command, 'flowplate platform logout');
}

/** An unknown token is already ended. */
function unlessOver(error: unknown): void {
  if (!(error instanceof FlowplateApiError) || error.code !== 'AUTHENTICATION_REQUIRED') throw error;
}

function addWhoami(platform: Command): void {
  const command = platform
    .command('whoami')
    .description('Shows the user or key that you act as.')
    .action(
      act(async (cli) => {
        const me = await (await cli.operator('platform')).session.me();
        cli.say(me, `${me.name} (id: ${me.id}, roles: ${me.role_ids.join(', ') || 'none'})`);
      }),
    );
  examples(command, 'flowplate platform whoami', 'flowplate platform whoami --json');
}

function addChangePassword(platform: Command): void {
  const command = platform
    .command('change-password')
    .description('Changes your own password. It ends every login you have, this one too.')
    .option('--password-stdin', 'read both from stdin, the current one on the first line')
    .action(
      act(async (cli, { passwordStdin }: PasswordOption) => {
        const client = await cli.operator('platform');
        const labels = ['Current password', 'New password'];
        const [current_password = '', new_password = ''] = await askSecrets(labels, passwordStdin);
        const answer = await client.session.changePassword({ current_password, new_password });
        await removeLogin(cli.credentials, cli.options.server);
        cli.say(answer, 'Changed the password. Log in again: flowplate platform login');
      }),
    );
  examples(command, 'flowplate platform change-password');
}
