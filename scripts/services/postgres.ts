import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { becomesReady } from './becomes-ready.ts';
import { dieWithParent } from './die-with-parent.ts';
import type { Exit } from './exit-of.ts';
import { choosePort } from './free-port.ts';
import { initialisePostgres, readPassword } from './initialise-postgres.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { progress } from './progress.ts';
import { lastLine } from './run-command.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { runUnprivileged } from './unprivileged.ts';
import { isAlive, readPid, waitForPrevious } from './wait-for-previous.ts';

export interface EmbeddedPostgres {
  /** Superuser, database `postgres`. */
  url: string;
  port: number;
  pid: number;
  exited: Promise<Exit>;
  /** Fast shutdown: open transactions are rolled back, and all commits are on disk. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface PostgresOptions {
  /**
   * Holds the cluster; its password and log are written beside it, as `<dataDir>.password` and
   * `.log`.
   */
  dataDir: string;
  /** Any free port when absent. */
  port?: number;
  /** Server settings over the defaults below, e.g. `{ fsync: 'off' }` in tests. */
  settings?: Record<string, string>;
}

const PREVIOUS_STOPS_MS = 20_000;
const STARTS_MS = 60_000;
const STOPS_MS = 4_500;

/**
 * Starts an embedded Postgres on the loopback interface and waits until it answers. A new `dataDir`
 * is initialised; an existing one keeps its data, also after a crash. Rejects with one sentence.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const binaries = await findPostgresBinaries();
  const passwordFile = `${dataDir}.password`;
  if (!existsSync(join(dataDir, 'PG_VERSION'))) {
    progress('Postgres: preparing a new data directory');
    const durable = options.settings?.fsync !== 'off';
    await initialisePostgres({ initdb: binaries.initdb, dataDir, passwordFile, durable });
  }
  const password = await readPassword(passwordFile, dataDir);
  await settleStalePid(dataDir);

  const giveUpAt = performance.now() + STARTS_MS;
  for (;;) {
    const port = await choosePort(options.port, 'Postgres');
    const attempt = await tryToStart({
      ...options,
      dataDir,
      port,
      password,
      postgres: binaries.postgres,
      giveUpAt,
    });
    if (attempt.started !== undefined) return attempt.started;
    await retryOrThrow(attempt.failure, options.port !== undefined, giveUpAt);
  }
}

interface AttemptOptions extends PostgresOptions {
  port: number;
  password: string;
  postgres: string;
  giveUpAt: number;
}

type Attempt = { started: EmbeddedPostgres; failure?: never } | { started?: never; failure: string };

async function tryToStart(options: AttemptOptions): Promise<Attempt> {
  const { dataDir, port, postgres } = options;
  const logFile = `${dataDir}.log`;
  const logStart = (await readFile(logFile, 'utf8').catch(() => '')).length;
  const { prefix } = await runUnprivileged(dataDir, [postgres, '--version']);
  const server = await startServerProcess({
    // The parent-death signal comes last, because a change of account clears it (prctl(2)).
    command: [
      ...prefix,
      ...(await dieWithParent('INT')),
      postgres,
      '-D',
      dataDir,
      ...settingArguments(options),
    ],
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    cwd: dataDir,
    logFile,
  });
  const url = `postgres://postgres:${options.password}@127.0.0.1:${port}/postgres`;
  if (await becomesReady(server, options.giveUpAt, () => connects(url))) {
    return { started: handle(url, port, server) };
  }
  await server.stop('SIGINT', STOPS_MS);
  return { failure: (await readFile(logFile, 'utf8')).slice(logStart) };
}

function settingArguments(options: AttemptOptions): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function connects(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

function handle(url: string, port: number, server: ServerProcess): EmbeddedPostgres {
  return {
    url,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop('SIGINT', STOPS_MS),
    kill: server.kill,
  };
}

async function retryOrThrow(log: string, portIsFixed: boolean, giveUpAt: number): Promise<void> {
  const inTime = performance.now() < giveUpAt;
  // Backends of a killed postmaster end a moment after it, and hold its shared memory until then.
  if (inTime && log.includes('pre-existing shared memory block')) return await sleep(100);
  if (inTime && !portIsFixed && log.includes('could not bind')) return;
  throw new Error(`Postgres did not start: ${fatalLine(log)}`);
}

function fatalLine(log: string): string {
  const fatal = log.split('\n').find((line) => line.includes('FATAL:') || line.includes('PANIC:'));
  return fatal?.replace(/^.*(FATAL|PANIC):\s*/, '') ?? lastLine(log);
}

// Postgres refuses to start while the process in postmaster.pid lives, even if the number now
// belongs to another program. It ignores its own parent's number (miscinit.c, CreateLockFile), so
// we write that into the file. Deleting the file is unsafe: its other lines guard against backends
// that survived a crash.
async function settleStalePid(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  await waitForPrevious('Postgres', pidFile, dataDir, PREVIOUS_STOPS_MS);
  const pid = readPid(pidFile);
  if (pid === undefined || !isAlive(pid)) return;
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
}
