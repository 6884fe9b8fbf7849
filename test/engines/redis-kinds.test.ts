import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy } from '../support/deployment.ts';
import { startScript } from '../support/processes.ts';
import { startRedisCluster, type TestCluster } from './redis-cluster-servers.ts';
import { startSentinels, type TestSentinels } from './redis-sentinel-servers.ts';

afterAll(endAll);

let databaseUrl: string;
let cluster: TestCluster;
let sentinels: TestSentinels;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  [cluster, sentinels] = await Promise.all([startRedisCluster(), startSentinels()]);
});

const processes = [
  ['the API', 'src/main.ts'],
  ['the worker', 'workers/main.ts'],
] as const;

describe.each(processes)('%s does not start', (_who, script) => {
  async function refusal(redisUrl: string, env: Record<string, string> = {}): Promise<string> {
    const { env: settings } = deploy({ databaseUrl, redisUrl }, env);
    const { FLOWPLATE_MASTER_KEY: _, ...ofProcess } = settings;
    const started = await startScript(script, { env: ofProcess });
    expect((await started.exited).code).toBe(1);
    // Before the first 1,500 warnings of a second.
    expect(started.stdout().length).toBeLessThan(20_000);
    return started.stdout();
  }

  test('on a node of a Cluster behind the URL of a single Redis', async () => {
    const [node] = cluster.members;
    const url = `redis://:${cluster.password}@127.0.0.1:${node?.port}/0`;
    const words = 'REDIS_URL leads to a node of a Redis Cluster: write redis+cluster://';
    expect(await refusal(url)).toContain(words);
    expect(await refusal(inject('redisUrl'), { QUEUE_REDIS_URL: url })).toContain(`QUEUE_${words}`);
  });

  test('on a sentinel behind the URL of a single Redis', async () => {
    const url = `redis://:${sentinels.password}@127.0.0.1:${sentinels.sentinelPort}`;
    expect(await refusal(url)).toContain('REDIS_URL leads to a Sentinel: write redis+sentinel://');
  });

  test('on a single Redis behind the URL of a Cluster', async () => {
    const { host, password } = new URL(inject('redisUrl'));
    expect(await refusal(`redis+cluster://:${password}@${host}`)).toContain('write redis://');
  });
});
