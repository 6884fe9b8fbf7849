import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import type { OwnServer } from '../support/own-stores.ts';

export type OwnRedis = OwnServer<{ url: string; kill(signal: NodeJS.Signals): void }>;

export async function asAdmin<Result>(
  redis: OwnRedis,
  use: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(redis.current().url, { lazyConnect: true, maxRetriesPerRequest: 0 });
  client.on('error', () => {});
  await client.connect();
  return use(client).finally(() => client.disconnect());
}

export type RedisFault = {
  begin(redis: OwnRedis): Promise<unknown>;
  end(redis: OwnRedis): Promise<unknown>;
};

export const redisFaults: Record<string, RedisFault> = {
  'killed, and back empty': {
    begin: (redis) => redis.kill(),
    end: (redis) => redis.restart(),
  },
  'stopped by SIGSTOP': {
    begin: async (redis) => redis.current().kill('SIGSTOP'),
    end: async (redis) => redis.current().kill('SIGCONT'),
  },
  'out of memory (OOM, noeviction)': {
    begin: (redis) => asAdmin(redis, (client) => client.config('SET', 'maxmemory', '1')),
    end: (redis) => asAdmin(redis, (client) => client.config('SET', 'maxmemory', '0')),
  },
  'unable to save (MISCONF)': { begin: failToSave, end: saveAgain },
};

/**
 * A directory where the snapshot belongs: Redis cannot put its file there, and from then on refuses
 * to write.
 */
const snapshotOf = (redis: OwnRedis) => join(redis.directory, 'dump.rdb');

async function failToSave(redis: OwnRedis): Promise<void> {
  await mkdir(snapshotOf(redis));
  await asAdmin(redis, async (client) => {
    await client.config('SET', 'save', '3600 1000000');
    await client.bgsave();
    const persistence = () => client.info('persistence');
    await eventually(5_000, persistence, (text) => text.includes('rdb_last_bgsave_status:err'));
  });
}

async function saveAgain(redis: OwnRedis): Promise<void> {
  await asAdmin(redis, (client) => client.config('SET', 'save', ''));
  await rmdir(snapshotOf(redis));
}
