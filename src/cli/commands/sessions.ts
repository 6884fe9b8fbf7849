import type { Command } from 'commander';
import { FlowplateApiError } from '../../sdk/errors.ts';
import type { FlowplateOperatorClient } from '../../sdk/operator-client.ts';
import type { Login, OwnSession } from '../../sdk/operator-types.ts';
import { askSecret, askSecrets, secretAsker } from '../ask-secret.ts';
import { logInByBrowser } from '../browser-login.ts';
import { act, type Cli, secretOf } from '../cli.ts';
import { requireTenantKey } from '../credentials/choose-credential.ts';
import { findLogin, removeLogin, saveLogin } from '../credentials/credentials-file.ts';
import { examples } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { type PageOptions, pageOptions, printList } from '../list-command.ts';
import type { Column } from '../output/table.ts';
import { toSeconds } from '../output/time.ts';
import { askSecondFactor, confirmSession } from '../step-up.ts';

type PasswordOption = { passwordStdin?: true };

export const passwordStdin = ['--password-stdin', 'read it from stdin instead of asking'] as const;

/** Commands to log in and out, and about one's own sessions. */
export function addSession(platform: Command): void {
  addCreateAdmin(platform);
  addLogin(platform);
  addLogout(platform);
  addWhoami(platform);
  addConfirm(platform);
  addSessions(platform);
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
    .option(
      '--password-stdin',
      'read it from stdin instead of asking; a code of the second factor on the second line',
    )
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
  return logIn(cli.as(undefined), email, secretAsker(passwordStdin));
}

/** Asks for the second factor only when the account has one. */
async function logIn(
  client: FlowplateOperatorClient,
  email: string,
  ask: (label: string) => Promise<string>,
): Promise<Login> {
  const password = await ask('Password');
  try {
    return await client.session.login({ email, password });
  } catch (error) {
    const second_factor = await askSecondFactor(error, ask);
    return client.session.login({ email, password, second_factor });
  }
}

function addConfirm(platform: Command): void {
  const command = platform
    .command('confirm')
    .description('Confirms for ten minutes that it is you, for commands that ask for it.')
    .option('--password-stdin', 'read the password, or the code of the second factor, from stdin')
    .action(
      act(async (cli, { passwordStdin }: PasswordOption) => {
        await confirmSession(await cli.operator('platform'), secretAsker(passwordStdin));
        cli.say({ success: true }, 'Confirmed, for ten minutes');
      }),
    );
  examples(command, 'flowplate platform confirm');
}

function addSessions(platform: Command): void {
  const sessions = platform.command('sessions').description('Your own sessions: where you are logged in.');
  const list = pageOptions(
    sessions.command('list').description('Lists your sessions, newest first. A star marks this one.'),
  ).action(
    act(async (cli, page: PageOptions) => {
      const { session } = await cli.operator('platform');
      const fetch = (next: PageOptions) => session.list(next);
      await printList(cli, page, { shape: 'array', columns, fetch });
    }),
  );
  examples(list, 'flowplate platform sessions list');
  addEndSession(sessions);
  examples(sessions, 'flowplate platform sessions list', 'flowplate platform sessions end --others');
}

const columns: readonly Column<OwnSession>[] = [
  ['', ({ current }) => (current ? '*' : '')],
  ['ID', ({ id }) => id],
  ['CREATED', ({ created_at }) => toSeconds(created_at)],
  ['EXPIRES', ({ expires_at }) => toSeconds(expires_at)],
  ['METHOD', ({ method, second_factor }) => (second_factor === null ? method : `${method}+${second_factor}`)],
  ['ADDRESS', ({ address }) => address ?? ''],
  ['CLIENT', ({ user_agent }) => user_agent ?? ''],
];

function addEndSession(sessions: Command): void {
  const command = sessions
    .command('end [session_id]')
    .description('Ends one of your sessions at once, or all but this one.')
    .option('--others', 'all of them but this one')
    .action(
      act(async (cli, { others }: { others?: true }, id?: string) => {
        if ((id === undefined) === (others === undefined)) {
          throw new UsageError('name a session, or add --others');
        }
        const { session } = await cli.operator('platform');
        if (id !== undefined) return cli.say(await session.end(id), `Ended session: ${id}`);
        const answer = await session.endOthers();
        cli.say(answer, `Ended other sessions: ${answer.ended_count}`);
      }),
    );
  examples(
    command,
    'flowplate platform sessions end sess_x1y2z3w4v5u6',
    'flowplate platform sessions end --others',
  );
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
