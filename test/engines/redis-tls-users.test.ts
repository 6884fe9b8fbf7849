import { readFile } from 'node:fs/promises';
import { Worker } from 'bullmq';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  emptyQueues,
  openQueue,
  openQueueReadOnly,
  queueName,
  registerSchedules,
} from '../../src/stores/queue.ts';
import { readQueueHealth } from '../../src/stores/queue-health.ts';
import { openQueueRedis, openRedis, type RedisTls, waitUntilReady } from '../../src/stores/redis/client.ts';
import { keyspace } from '../../src/stores/redis/keyspace.ts';
import { readRedisFacts } from '../../src/stores/redis/server-facts.ts';
import { jobs } from '../../workers/jobs.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { logLines } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { startRedisCluster } from './redis-cluster-servers.ts';
import { type Member, newGroup, startMembers } from './redis-servers.ts';
import { makeUsers, type Users } from './redis-users.ts';

afterAll(endAll);

const testMsMax = 45_000;
const faults = ['Redis refused a command', 'job failed'];

type Server = {
  /** For the user of the API, and that of the worker. */
  urlOf(login: string): string;
  users: Users;
  certificates: Certificates;
  members: Member[];
};

/** TLS beside the port on which the administrator comes; every client needs a certificate. */
const tlsSettings = ({ ca, certificate, key }: Certificates) => ({
  'tls-cert-file': certificate,
  'tls-key-file': key,
  'tls-ca-cert-file': ca,
  'tls-auth-clients': 'yes',
});

const aPort = async () => String(await quietPort());

async function startSingle(): Promise<Server> {
  const group = await newGroup();
  const certificates = await makeCertificates(group.directory, 'single');
  const users = await makeUsers(group.directory, group.password);
  const settings = { ...tlsSettings(certificates), ...users.settings };
  const members = await startMembers(1, group, async () => ({ ...settings, 'tls-port': await aPort() }));
  const port = members[0]?.settings['tls-port'];
  return { urlOf: (login) => `rediss://${login}@localhost:${port}/0`, users, certificates, members };
}

async function startCluster(): Promise<Server> {
  const { directory, password } = await newGroup();
  const certificates = await makeCertificates(directory, 'cluster');
  const users = await makeUsers(directory, password);
  // The members tell TLS clients the TLS ports of each other only if they use them too.
  const settings = {
    ...tlsSettings(certificates),
    'tls-cluster': 'yes',
    'tls-replication': 'yes',
    ...users.settings,
  };
  const { members } = await startRedisCluster(3, async () => ({ ...settings, 'tls-port': await aPort() }));
  const servers = members.map((member) => `127.0.0.1:${member.settings['tls-port']}`).join(',');
  return { urlOf: (login) => `rediss+cluster://${login}@${servers}`, users, certificates, members };
}

const kinds = [
  ['a single Redis', startSingle],
  ['a Cluster', startCluster],
] as const;

describe.each(kinds)(
  '%s over TLS, with the users of deploy/redis',
  { timeout: testMsMax },
  (_kind, start) => {
    let server: Server;
    let tls: RedisTls;

    beforeAll(async () => {
      server = await start();
      const { ca, certificate, key } = server.certificates;
      const [caText, cert, keyText] = await Promise.all(
        [ca, certificate, key].map((file) => readFile(file, 'utf8')),
      );
      tls = { ca: caText, cert, key: keyText };
    });

    const refusedBy = async () => {
      const logs = await Promise.all(server.members.map(({ admin }) => admin.acl('LOG')));
      return logs.flat();
    };

    async function connectAs(login: string) {
      const redis = openRedis(
        { redisUrl: server.urlOf(login), tls, commandTimeoutMs: 5_000 },
        () => undefined,
      );
      atEnd(() => redis.disconnect());
      await waitUntilReady(redis, 5_000);
      return redis;
    }

    test('verifies, limits, counts and rolls up, and nothing is refused', async () => {
      const database = await cloneDatabase(inject('postgresUrl'));
      atEnd(() => database.drop());
      const { api: apiUser, worker: workerUser } = server.users;
      const { ca, certificate, key } = server.certificates;
      const { startApi, startWorker } = deploy(
        { databaseUrl: database.url, redisUrl: server.urlOf(apiUser) },
        { RECORDS_IN_MEMORY_MAX: '0', REDIS_CA_FILE: ca, REDIS_CERT_FILE: certificate, REDIS_KEY_FILE: key },
      );
      const [api, worker] = await Promise.all([
        startApi(),
        startWorker({ env: { REDIS_URL: server.urlOf(workerUser) } }),
      ]);
      const keys = keyCalls(api.call);
      const limits = { limit: 3, window_seconds: 3_600 };
      const limited = await keys.mint({ rate_limit: limits, quota: { limit: 100, period: 'day' } });
      const codes = await Promise.all(Array.from({ length: 5 }, () => keys.codeOf(limited.key)));
      expect(codes.sort()).toEqual(['RATE_LIMITED', 'RATE_LIMITED', 'VALID', 'VALID', 'VALID']);
      expect((await keys.verify(limited.key)).body.rate_limit.enforced).toBe(true);
      const refusals = `GET /v1/flowplate/api-keys/${limited.keyId}/refusals`;
      await eventually(
        15_000,
        () => api.call(refusals),
        ({ status, body }) => status === 200 && body.data.length > 0,
      );
      const counted = async () =>
        (
          await query(
            database.url,
            'SELECT coalesce(sum(accepted + refused), 0)::int AS calls FROM usage_totals',
          )
        )[0];
      await eventually(15_000, counted, (sums) => sums?.calls === 6);
      expect((await api.call('GET /health/ready')).body.status).toBe('ready');
      const lines = [...logLines(api), ...logLines(worker)];
      expect(lines.filter(({ msg }) => faults.includes(msg ?? ''))).toEqual([]);
      expect(await refusedBy()).toEqual([]);
      worker.kill('SIGTERM');
      expect((await worker.exited).code).toBe(0);
    });

    test('the API may look at the queue and at the server', async () => {
      const redis = await connectAs(server.users.api);
      const queue = openQueueReadOnly(redis, () => undefined);
      const health = await readQueueHealth(queue, new Date());
      expect(health.lastCompleted).not.toBeNull();
      expect(await readRedisFacts(redis)).toMatchObject({ evictionPolicy: 'noeviction' });
      expect(await refusedBy()).toEqual([]);
    });

    test('jobs of BullMQ fail, are tried again, are taken over when they stall, and are removed', async () => {
      const connection = openQueueRedis(
        { redisUrl: server.urlOf(server.users.worker), tls },
        () => undefined,
      );
      const told: string[] = [];
      const queue = openQueue(connection, ({ message }) => void told.push(message));
      await waitUntilReady(connection, 10_000);
      await emptyQueues(connection);
      let runs = 0;
      const stallsOnce = new Promise<void>(() => undefined);
      const worker = new Worker(
        queueName,
        async (job) => {
          runs += 1;
          if (job.name === 'fails') throw new Error('on purpose');
          if (job.name === 'stalls' && job.stalledCounter === 0) await stallsOnce;
        },
        {
          connection,
          prefix: keyspace.jobsPrefix,
          concurrency: 3,
          lockDuration: 500,
          stalledInterval: 500,
          skipLockRenewal: true,
          maxStalledCount: 2,
        },
      );
      worker.on('error', ({ message }) => void told.push(message));
      atEnd(async () => {
        await worker.close(true);
        await queue.close();
        connection.disconnect();
      });
      await queue.add('fails', {}, { attempts: 3, backoff: { type: 'fixed', delay: 100 } });
      await queue.add('stalls', {});
      await queue.add('works', {}, { delay: 100, priority: 2 });
      const counts = () =>
        queue.getJobCounts('completed', 'failed', 'active', 'wait', 'delayed', 'prioritized');
      await eventually(15_000, counts, ({ completed, failed }) => completed === 2 && failed === 1);
      expect(runs).toBe(6);
      const [failed] = await queue.getFailed();
      await failed?.retry();
      await eventually(
        15_000,
        async () => runs,
        (count) => count === 7,
      );
      await queue.pause();
      await queue.resume();
      await queue.clean(0, 100, 'completed');
      await registerSchedules(queue, jobs);
      await queue.removeJobScheduler('prune-changes');
      await emptyQueues(connection);
      expect(told.filter((message) => message.includes('NOPERM'))).toEqual([]);
      expect(await refusedBy()).toEqual([]);
    });

    test('what neither needs is refused', async () => {
      const { api, worker } = server.users;
      const [asApi, asWorker] = [await connectAs(api), await connectAs(worker)];
      const forbidden = [
        () => asApi.set('other', 'x'),
        () => asApi.hset('{fl:jobs}:flowplate:1', 'name', 'forged'),
        () => asApi.eval("return redis.call('HSET', KEYS[1], 'a', 'b')", 1, '{fl:jobs}:flowplate:1'),
        () => asApi.flushall(),
        () => asApi.config('GET', '*'),
        () => asWorker.get('fl;x'),
        () => asWorker.set('fl:limit:{x}:day', '0'),
        () => asWorker.keys('*'),
        () => asWorker.flushall(),
        () => asWorker.acl('LIST'),
      ];
      for (const attempt of forbidden)
        await expect(attempt(), String(attempt)).rejects.toThrow(/NOPERM|can't/);
    });

    test('without the authority or without a certificate nobody comes in', async () => {
      const { ca, cert, key } = tls;
      for (const wrong of [{}, { cert, key }, { ca }]) {
        const faults: string[] = [];
        const connection = { redisUrl: server.urlOf(server.users.api), tls: wrong, commandTimeoutMs: 1_000 };
        const redis = openRedis(connection, ({ message }) => void faults.push(message));
        atEnd(() => redis.disconnect());
        await eventually(
          5_000,
          () => faults,
          (messages) => messages.length > 0,
        );
        await expect(redis.ping()).rejects.toThrow();
      }
    });
  },
);
