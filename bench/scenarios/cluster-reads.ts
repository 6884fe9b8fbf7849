import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { choosePort } from '../../scripts/services/free-port.ts';
import { newPassword } from '../../scripts/services/password-file.ts';
import { startRedis } from '../../scripts/services/redis.ts';
import { openRedis, type RedisClient, waitUntilReady } from '../../src/stores/redis/client.ts';
import { keyspace } from '../../src/stores/redis/keyspace.ts';
import { readStored } from '../../src/stores/redis/records.ts';
import { number } from '../report/statistics.ts';
import type { Stage } from '../stage/stage.ts';
import type { Scenario } from './scenario.ts';

const digestsCount = 10_000;
/** Size of a record without options, with its code. */
const recordBytes = 60;
const turnsPerRound = 400;
const masters = 3;
const slots = 16_384;

type Read = (digests: readonly Buffer[]) => Promise<unknown>;

export const clusterReads: Scenario = {
  name: 'cluster-reads',
  about: 'what reading records costs this process on a Redis Cluster, beside a single Redis',
  async run(stage, { rounds }) {
    const digests = Array.from({ length: digestsCount }, () => randomBytes(32));
    const single = await ready(stage, stage.redisUrl);
    const cluster = await ready(stage, await startCluster(stage));
    for (const digest of digests) {
      await single.set(keyspace.record(digest), randomBytes(recordBytes));
      await cluster.set(keyspace.recordInCluster(digest), randomBytes(recordBytes));
    }
    const ways: [string, Read][] = [
      ['single Redis, one MGET', (some) => readStored(single, some)],
      ['Cluster, one MGET for each of 16 hash tags', (some) => readStored(cluster, some)],
      [
        'Cluster, a GET for each key',
        (some) => Promise.all(some.map((digest) => cluster.getBuffer(keyspace.recordInCluster(digest)))),
      ],
    ];
    const sizes = [1, 8, 50, 100];
    const costs = new Map(ways.map(([name]) => [name, sizes.map(() => [] as number[])]));
    for (let round = 0; round < rounds; round++)
      for (const [name, read] of ways)
        for (const [index, size] of sizes.entries())
          costs.get(name)?.[index]?.push(await cpuPerKey(read, digests, size));
    return [
      {
        title: 'Processor time of the reader for a key, in µs',
        columns: ['', ...sizes.map((size) => `${size} in a turn`)],
        rows: ways.map(([name]) => [name, ...(costs.get(name) ?? []).map((all) => number(median(all), 1))]),
        notes: [
          `Medians of ${rounds} rounds of ${turnsPerRound} turns; a Cluster of ${masters} masters, RESP3.`,
        ],
      },
    ];
  },
};

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function cpuPerKey(read: Read, digests: readonly Buffer[], size: number): Promise<number> {
  const before = process.cpuUsage();
  for (let turn = 0; turn < turnsPerRound; turn++) {
    const start = (turn * size) % (digestsCount - size);
    await read(digests.slice(start, start + size));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (turnsPerRound * size);
}

async function ready(stage: Stage, redisUrl: string): Promise<RedisClient> {
  const redis = openRedis({ redisUrl, commandTimeoutMs: 5_000 }, () => undefined);
  stage.closing.add('connection', () => redis.disconnect());
  await waitUntilReady(redis, 5_000);
  return redis;
}

/** Masters without replicas. Returns the Cluster's URL. */
async function startCluster(stage: Stage): Promise<string> {
  const password = newPassword();
  const numbers = Array.from({ length: masters }, (_, index) => index);
  const nodes = await Promise.all(numbers.map((index) => startNode(stage, index, password)));
  const [first] = nodes;
  for (const [index, { admin, port, busPort }] of nodes.entries()) {
    const [from = 0, to = 0] = [index, index + 1].map((part) => Math.floor((part * slots) / masters));
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
    if (index > 0) await first?.admin.call('CLUSTER', 'MEET', '127.0.0.1', String(port), busPort);
  }
  const isOk = async ({ admin }: (typeof nodes)[number]) =>
    String(await admin.cluster('INFO')).includes('cluster_state:ok');
  while (!(await Promise.all(nodes.map(isOk))).every(Boolean)) await sleep(50);
  return `redis+cluster://:${password}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
}

async function startNode(stage: Stage, index: number, password: string) {
  const dataDir = join(stage.directory, `cluster-${index}`);
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(join(dataDir, 'redis.password'), password, { mode: 0o600 });
  const busPort = String(await choosePort(undefined, 'Redis'));
  const settings = { 'cluster-enabled': 'yes', 'cluster-port': busPort, databases: '1', appendonly: 'no' };
  const server = await startRedis({ dataDir, settings });
  stage.closing.add('Redis', () => server.stop());
  const admin = new Redis({ port: server.port, password });
  stage.closing.add('connection', () => admin.disconnect());
  return { port: server.port, busPort, admin };
}
