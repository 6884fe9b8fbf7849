import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, inject } from 'vitest';
import type { EmbeddedRedis } from '../../scripts/services/redis.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type DroppingProxy, startDroppingProxy } from '../support/dropping-proxy.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { type OwnServer, ownRedis } from '../support/own-stores.ts';
import { type Fleet, newFleet } from './fleet.ts';
import { prove } from './run.ts';
import { startAtTheEnd, without } from './without.ts';

let redis: OwnServer<EmbeddedRedis>;
/** Between the API processes and Redis. */
let way: DroppingProxy;
let fleet: Fleet;
/** The same with a process that forgets what it was told. */
let forgetful: Fleet;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  redis = await ownRedis();
  way = await startDroppingProxy(redis.current().port);
  fleet = newFleet({ databaseUrl: database.url, redisUrl: way.through(redis.current().url) });
  const broker = await fleet.add();
  // Keeps nothing in memory, so that every answer comes from Redis or from Postgres.
  await fleet.add({ env: { RECORDS_IN_MEMORY_MAX: '0' } });
  forgetful = fleet.fork();
  const source = await editSource(without.remembering);
  await Promise.all([
    fleet.add(),
    fleet.embed(broker.url),
    fleet.embed(broker.url),
    forgetful.add({ source }),
    forgetful.embed(broker.url, source),
  ]);
}, 60_000);

afterAll(endAll);

const safe = { fleet: () => fleet };
const forgetting = { fleet: () => forgetful, without: 'remembered revisions' };

prove(
  'when nothing goes wrong',
  {
    async inflict(load) {
      await load.endWitnesses();
      await sleep(1_500);
    },
  },
  safe,
  forgetting,
);

prove(
  'when Redis is killed and comes back empty',
  {
    async inflict(load) {
      await redis.kill();
      await sleep(300);
      await load.endWitnesses();
      await sleep(500);
      await redis.restart();
      await sleep(1_000);
    },
  },
  safe,
  forgetting,
);

prove(
  'when Redis is flushed over and over',
  {
    async inflict(load) {
      const ending = load.endWitnesses();
      for (let count = 0; count < 40; count++) {
        await command(redis.current(), 'FLUSHALL');
        await sleep(40);
      }
      await ending;
    },
  },
  safe,
  forgetting,
);

prove(
  'when Redis hangs and goes on',
  {
    async inflict(load) {
      redis.current().kill('SIGSTOP');
      await sleep(300);
      await load.endWitnesses();
      await sleep(1_200);
      redis.current().kill('SIGCONT');
      await sleep(1_000);
    },
  },
  safe,
  forgetting,
);

prove(
  'when Redis is restored from a snapshot of before the revokes, and a process starts on it that reads nothing of what was before',
  {
    async inflict(load, _, source) {
      await command(redis.current(), 'SAVE');
      const [snapshot, dump] = ['snapshot.rdb', 'dump.rdb'].map((name) => join(redis.directory, name));
      await copyFile(dump as string, snapshot as string);
      await load.endWitnesses();
      await sleep(300);
      // Cut off: they would put what they know in place of what was restored.
      way.drop();
      await redis.kill();
      await copyFile(snapshot as string, dump as string);
      await redis.restart();
      const late = await load.rest(() => fleet.add({ source, env: { REDIS_URL: redis.current().url } }));
      await load.askForWitnesses();
      way.restore();
      await sleep(300);
      await fleet.remove(late);
    },
  },
  { ...safe, edits: startAtTheEnd.withPlaces },
  { ...safe, without: 'the places at which records were read', edits: startAtTheEnd.withoutPlaces },
);

prove(
  'when Redis fails over to a replica that lags behind a cut link',
  {
    async inflict(load) {
      const link = await startDroppingProxy(redis.current().port);
      const replica = await replicaThrough(link);
      link.drop();
      await load.endWitnesses();
      await sleep(300);
      await redis.kill();
      await command(replica, 'REPLICAOF', 'NO', 'ONE');
      way.leadTo(replica.port);
      await sleep(1_000);
      // Back to where it was, for whoever comes next.
      await redis.restart();
      way.leadTo(redis.current().port);
    },
  },
  safe,
  forgetting,
);

async function replicaThrough(link: DroppingProxy): Promise<EmbeddedRedis & { url: string }> {
  const replica = (await ownRedis()).current();
  const { password } = new URL(redis.current().url);
  await command(redis.current(), 'CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
  await command(replica, 'CONFIG', 'SET', 'masterauth', password);
  await command(replica, 'REPLICAOF', '127.0.0.1', String(link.port));
  await eventually(
    10_000,
    async () => String(await command(replica, 'INFO', 'replication')),
    (info) => info.includes('master_link_status:up'),
  );
  await command(replica, 'CONFIG', 'SET', 'requirepass', password);
  const url = new URL(replica.url);
  url.password = password;
  return { ...replica, url: url.href };
}

async function command(server: { url: string }, ...words: [string, ...string[]]): Promise<unknown> {
  const client = new Redis(server.url);
  try {
    return await client.call(...words);
  } finally {
    client.disconnect();
  }
}
