import { findProgram } from '../../scripts/services/debian-programs.ts';
import type { ServerProcess } from '../../scripts/services/server-process.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { makeHome, startEngine } from './engine.ts';

export type PoolMode = 'session' | 'transaction';

export type PgBouncer = {
  /** The database's URL with the pooler's port. */
  url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
};

/**
 * PgBouncer in front of a database, with its defaults but for what every deployment sets: where to
 * listen, whom to let in, and how many connections to open.
 */
export async function startPgBouncer(databaseUrl: string, mode: PoolMode): Promise<PgBouncer> {
  const program = await findProgram('pgbouncer');
  const home = await makeHome(program);
  const server = new URL(databaseUrl);
  const port = await quietPort();
  const users = await home.write('users.txt', `"${server.username}" "${server.password}"\n`);
  const settings = await home.write(
    'pgbouncer.ini',
    `[databases]
* = host=${server.hostname} port=${server.port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = ${mode}
default_pool_size = ${mode === 'session' ? 80 : 6}
`,
  );
  const url = new URL(databaseUrl);
  url.port = String(port);
  const answers = () =>
    query(url.href, 'SELECT 1').then(
      () => true,
      () => false,
    );
  const start = () =>
    startEngine({
      name: 'pgbouncer',
      command: [program.path, settings],
      env: program.env,
      home,
      isReady: answers,
    });
  let running: ServerProcess = await start();
  return {
    url: url.href,
    kill: async () => {
      running.kill('SIGKILL');
      await running.exited;
    },
    restart: async () => {
      running = await start();
    },
  };
}
