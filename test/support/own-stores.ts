import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { databaseUrl } from '../../scripts/services/create-database.ts';
import { type EmbeddedPostgres, startPostgres } from '../../scripts/services/postgres.ts';
import { type EmbeddedRedis, startRedis } from '../../scripts/services/redis.ts';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import { atEnd } from './at-end.ts';
import { query, withConnection } from './query.ts';
import { quietPort } from './quiet-port.ts';

/** A server for this test file alone. */
export type OwnServer<Server> = {
  current(): Server;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>;
  /** On the same address, with the same data directory. */
  restart(): Promise<void>;
  directory: string;
};

type Startable = { kill(signal: NodeJS.Signals): void; exited: Promise<unknown>; stop(): Promise<void> };

async function own<Server extends Startable>(
  start: (at: { dataDir: string; port: number }) => Promise<Server>,
): Promise<OwnServer<Server>> {
  const directory = await mkdtemp(join(inject('runDirectory'), 'own-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const dataDir = join(directory, 'data');
  let at = { dataDir, port: await quietPort() };
  const startElsewhere = async () => {
    at = { dataDir, port: await quietPort() };
    return start(at);
  };
  // Creating a cluster takes seconds, and meanwhile another process may take the port.
  let server = await start(at).catch(startElsewhere);
  atEnd(() => server.stop());
  return {
    current: () => server,
    kill: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    restart: async () => {
      server = await start(at);
    },
    directory: dataDir,
  };
}

/** In memory only, so that a killed one comes back empty. */
export function ownRedis(settings: Record<string, string> = {}): Promise<OwnServer<EmbeddedRedis>> {
  return own((at) => startRedis({ ...at, settings: { appendonly: 'no', ...settings } }));
}

export type OwnPostgres = OwnServer<EmbeddedPostgres> & {
  /** A migrated database that belongs to an ordinary role. */
  databaseUrl: string;
  /** The superuser, in the same database. */
  adminUrl: string;
};

/** Durable (fsync on) unless told otherwise. */
export async function ownPostgres(settings: Record<string, string> = {}): Promise<OwnPostgres> {
  const postgres = await own((at) =>
    startPostgres({ ...at, settings: { shared_buffers: '32MB', ...settings } }),
  );
  const urls = await makeDatabase(postgres.current().url);
  return { ...postgres, ...urls, kill: () => killPostgres({ ...postgres, ...urls }) };
}

/** A migrated database for the ordinary role, on the server of this superuser. */
export async function makeDatabase(url: string): Promise<Pick<OwnPostgres, 'databaseUrl' | 'adminUrl'>> {
  const password = randomBytes(16).toString('hex');
  await query(url, `CREATE ROLE ${ordinaryRole} LOGIN PASSWORD '${password}'`);
  await query(url, `CREATE ROLE flowplate_tenant NOLOGIN`);
  await query(url, `GRANT flowplate_tenant TO ${ordinaryRole}`);
  await query(url, `CREATE DATABASE ${ordinaryRole} OWNER ${ordinaryRole}`);
  const address = new URL(databaseUrl(url, ordinaryRole));
  address.username = ordinaryRole;
  address.password = password;
  await migrate({ databaseUrl: address.href });
  return { databaseUrl: address.href, adminUrl: databaseUrl(url, ordinaryRole) };
}

/** Role of the service; no superuser, so that limits apply to it. */
export const ordinaryRole = 'flowplate';

/** Kills all processes: a backend without its postmaster would still answer for a moment. */
async function killPostgres(postgres: OwnPostgres): Promise<void> {
  signal(await stopPostgres(postgres), 'SIGKILL');
  await postgres.current().exited;
}

/**
 * Stops every process of the server with SIGSTOP: connections stay open, and nothing answers.
 * Returns a function that resumes them.
 */
export async function freezePostgres(postgres: OwnPostgres): Promise<() => void> {
  const pids = await stopPostgres(postgres);
  let isFrozen = true;
  const thaw = () => {
    if (isFrozen) signal(pids, 'SIGCONT');
    isFrozen = false;
  };
  atEnd(thaw);
  return thaw;
}

async function stopPostgres(postgres: OwnPostgres): Promise<number[]> {
  const postmaster = postgres.current().pid;
  const children = await withConnection(postgres.adminUrl, async (client) => {
    // The postmaster first, so that no new backend appears during the listing.
    process.kill(postmaster, 'SIGSTOP');
    const others = 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()';
    return (await client.query<{ pid: number }>(others)).rows.map(({ pid }) => pid);
  });
  const pids = [postmaster, ...children];
  signal(pids, 'SIGSTOP');
  return pids;
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (fault) {
      // Backends come and go by themselves.
      if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault;
    }
  }
}
