import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { becomesReady } from './becomes-ready.ts';
import { dieWithParent } from './die-with-parent.ts';
import type { Exit } from './exit-of.ts';
import { choosePort } from './free-port.ts';
import { keptPassword } from './password-file.ts';
import { probeRedis } from './probe-redis.ts';
import { findRedisServer, type RedisServer } from './redis-server.ts';
import { lastLine } from './run-command.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { waitForPrevious } from './wait-for-previous.ts';

export interface EmbeddedRedis {
  /** Logical database 0, with the password. */
  url: string;
  port: number;
  pid: number;
  exited: Promise<Exit>;
  /** Orderly shutdown; the append-only file is written first. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface RedisOptions {
  /** Append-only files, redis.conf, redis.password and redis.log; created when missing. */
  dataDir: string;
  /** Any free port when absent. */
  port?: number;
  /** Server settings over the defaults below, e.g. `{ appendonly: 'no' }`. */
  settings?: Record<string, string>;
}

const PREVIOUS_STOPS_MS = 10_000;
const STARTS_MS = 60_000;
const STOPS_MS = 4_500;

/**
 * Starts an embedded Redis (or Valkey) on the loopback interface and waits until it answers and
 * runs Lua. The program comes from PATH, else from Debian's packages. Rejects with one sentence.
 */
export async function startRedis(options: RedisOptions): Promise<EmbeddedRedis> {
  const dataDir = resolve(options.dataDir);
  const server = await findRedisServer();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await waitForPrevious('Redis', join(dataDir, 'redis.pid'), dataDir, PREVIOUS_STOPS_MS);

  const giveUpAt = performance.now() + STARTS_MS;
  // Every account of the machine can reach loopback, and could forge cached key records here. So
  // there is a password, in a file and not in the arguments, which all accounts can list.
  const password = await keptPassword(join(dataDir, 'redis.password'));
  for (;;) {
    const port = await choosePort(options.port, 'Redis');
    const attempt = await tryToStart(server, { ...options, dataDir, port }, password, giveUpAt);
    if (attempt.started !== undefined) return attempt.started;
    const portWasTaken = attempt.failure.includes('Address already in use');
    if (portWasTaken && options.port === undefined && performance.now() < giveUpAt) continue;
    throw new Error(`Redis did not start: ${lastLine(attempt.failure)}`);
  }
}

type Attempt = { started: EmbeddedRedis; failure?: never } | { started?: never; failure: string };

async function tryToStart(
  program: RedisServer,
  options: RedisOptions & { port: number },
  password: string,
  giveUpAt: number,
): Promise<Attempt> {
  const { dataDir, port } = options;
  const logFile = join(dataDir, 'redis.log');
  const logStart = (await readFile(logFile, 'utf8').catch(() => '')).length;
  const configFile = join(dataDir, 'redis.conf');
  await writeFile(configFile, configText(options, password), { mode: 0o600 });
  const server = await startServerProcess({
    command: [...(await dieWithParent('TERM')), program.path, configFile],
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', ...program.env },
    cwd: dataDir,
    logFile,
  });
  if (await becomesReady(server, giveUpAt, () => probeRedis(port, password))) {
    return { started: handle(`redis://:${password}@127.0.0.1:${port}/0`, port, server) };
  }
  await server.stop('SIGTERM', STOPS_MS);
  return { failure: (await readFile(logFile, 'utf8')).slice(logStart) };
}

function configText(options: RedisOptions & { port: number }, password: string): string {
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(options.port),
    'protected-mode': 'yes',
    requirepass: password,
    dir: JSON.stringify(options.dataDir),
    pidfile: JSON.stringify(join(options.dataDir, 'redis.pid')),
    // Queues must not lose entries to eviction (BullMQ requires it); records have their own TTL.
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '""',
    // One per test file; an unused one costs a few hundred bytes.
    databases: '1024',
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
    .join('');
}

function handle(url: string, port: number, server: ServerProcess): EmbeddedRedis {
  return {
    url,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop('SIGTERM', STOPS_MS),
    kill: server.kill,
  };
}
