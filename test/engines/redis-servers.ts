import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { newPassword } from '../../scripts/services/password-file.ts';
import { type EmbeddedRedis, startRedis } from '../../scripts/services/redis.ts';
import { atEnd } from '../support/at-end.ts';
import { quietPort } from '../support/quiet-port.ts';

/** One server of several that belong together. */
export type Member = {
  host: '127.0.0.1';
  port: number;
  settings: Readonly<Record<string, string>>;
  /** Its administrator. Commands wait until it is there. */
  admin: Redis;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>;
  /** On the same ports, with the same files. */
  restart(): Promise<void>;
  signal(name: NodeJS.Signals): void;
};

export type SettingsOf = (index: number) => Promise<Record<string, string>>;

/** The group's password, and a folder that goes at the end of the test file. */
export async function newGroup(): Promise<{ directory: string; password: string }> {
  const directory = await mkdtemp(join(inject('runDirectory'), 'redis-group-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return { directory, password: newPassword() };
}

/** Starts servers with one password. In memory only, as the defaults of our tests are. */
export function startMembers(
  count: number,
  { directory, password }: { directory: string; password: string },
  settingsOf: SettingsOf,
): Promise<Member[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const dataDir = join(directory, `member-${index}`);
      await mkdir(dataDir, { mode: 0o700 });
      await writeFile(join(dataDir, 'redis.password'), password, { mode: 0o600 });
      const start = async () => {
        const settings = { appendonly: 'no', masterauth: password, ...(await settingsOf(index)) };
        return startMember({ dataDir, settings }, password);
      };
      // Another process may take one of the ports meanwhile.
      return start().catch(start);
    }),
  );
}

async function startMember(
  options: { dataDir: string; settings: Record<string, string> },
  password: string,
): Promise<Member> {
  const port = await quietPort();
  let server: EmbeddedRedis = await startRedis({ ...options, port });
  atEnd(() => server.stop());
  const admin = connect(port, password);
  return {
    host: '127.0.0.1',
    port,
    settings: options.settings,
    admin,
    kill: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    restart: async () => {
      server = await startRedis({ ...options, port });
    },
    signal: (name) => server.kill(name),
  };
}

/** A connection for a test, closed at its end. */
export function connect(port: number, password: string): Redis {
  const redis = new Redis({ host: '127.0.0.1', port, password });
  redis.on('error', () => undefined);
  atEnd(() => redis.disconnect());
  return redis;
}
