import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openQueue } from '../../src/stores/queue.ts';
import { openQueueRedis } from '../../src/stores/redis/client.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, startReplica, type TestBroker } from '../support/broker.ts';
import { giveMovableClock } from '../support/moved-clock.ts';
import { ordinaryRole, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { platformKey } from '../support/platform-callers.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';
import { type Desk, openDesk } from './flowplate.ts';

afterAll(endAll);

type Finding = { code: string; severity: string; where: string; message: string; fix: string };

async function examine(
  desk: Desk,
  ...args: string[]
): Promise<{ findings: Finding[]; exitCode: number | null }> {
  const { stdout, stderr, exitCode } = await desk.run(['doctor', '--json', ...args]);
  expect(stderr).toBe('');
  return { findings: JSON.parse(stdout).findings, exitCode };
}

const keyring = () => `p1:${randomBytes(32).toString('base64url')}`;

describe('a deployment with ten misconfigurations and more', () => {
  let broker: TestBroker;
  let desk: Desk;
  let adminUrl: string;
  let findings: Finding[];
  let exitCode: number | null;
  beforeAll(async () => {
    const postgres = await ownPostgres({ fsync: 'off', full_page_writes: 'off' });
    const redis = await ownRedis({ 'maxmemory-policy': 'allkeys-lru' });
    ({ adminUrl } = postgres);
    await query(adminUrl, `ALTER ROLE ${ordinaryRole} SET synchronous_commit = off`);
    const moveClock = await giveMovableClock(adminUrl);
    broker = await startReplica({
      DATABASE_URL: postgres.databaseUrl,
      REDIS_URL: redis.current().url,
      FLOWPLATE_PEPPERS: keyring(),
      FLOWPLATE_MASTER_KEY: randomBytes(32).toString('hex'),
      TRUSTED_PROXIES: '10.0.0.0/8,0.0.0.0/0',
      LOG_LEVEL: 'debug',
      METRICS_PORT: String(await quietPort()),
      CONTROL_CONNECTIONS_MAX: '200',
      FAILOVER_SECONDS_MAX: '45',
      DRAIN_MS: '0',
      UNSAFE_POSTGRES: 'allow',
    });
    atEnd(() => broker.close());
    desk = await openDesk(broker.url, { FLOWPLATE_API_KEY: (await platformKey(broker)).secret });
    await moveClock(60_000);
    await query(adminUrl, "DELETE FROM schema_migrations WHERE name LIKE '0026_%'");
    await query(adminUrl, "INSERT INTO schema_migrations (name, run_on) VALUES ('9999_later', now())");
    await leaveJobDue(redis.current().url);
    const nowhere = `http://127.0.0.1:${await quietPort()}/metrics`;
    ({ findings, exitCode } = await examine(desk, '--metrics', nowhere));
  }, 120_000);

  test.each([
    ['POSTGRES_FSYNC_OFF', 'error', 'ALTER SYSTEM SET fsync = on'],
    ['POSTGRES_FULL_PAGE_WRITES_OFF', 'error', 'full_page_writes = on'],
    ['POSTGRES_SYNCHRONOUS_COMMIT_OFF', 'error', 'synchronous_commit = on'],
    ['SCHEMA_MIGRATIONS_PENDING', 'error', 'npm run migrate'],
    ['QUEUE_REDIS_EVICTS', 'error', 'noeviction'],
    ['WORKER_SILENT', 'error', 'Start the worker'],
    ['TRUSTED_PROXIES_TOO_WIDE', 'error', 'TRUSTED_PROXIES'],
    ['SCHEMA_NEWER', 'warning', 'newer release'],
    ['POSTGRES_CONNECTIONS_SHORT', 'warning', 'max_connections'],
    ['CLOCKS_DIFFER', 'warning', 'Synchronise'],
    ['METRICS_UNREACHABLE', 'warning', 'METRICS_PORT'],
    ['FIRST_MASTER_KEY_SET', 'warning', 'Remove FLOWPLATE_MASTER_KEY'],
    ['LOG_LEVEL_DEBUG', 'warning', 'LOG_LEVEL=info'],
    ['LEASE_SHORTER_THAN_FAILOVER', 'warning', 'LEASE_MS=50000'],
  ])('%s is found, with its fix', (code, severity, fix) => {
    const found = findings.find((finding) => finding.code === code);
    expect(found, JSON.stringify(findings)).toMatchObject({ severity, fix: expect.stringContaining(fix) });
    expect(found?.message.length).toBeGreaterThan(20);
  });

  test('the clock of Postgres is the one that is wrong, and both metrics are', () => {
    const wheres = (code: string) =>
      findings.filter((found) => found.code === code).map(({ where }) => where);
    expect(wheres('CLOCKS_DIFFER')).toEqual(['clock of Postgres']);
    expect(wheres('METRICS_UNREACHABLE')).toEqual([
      'metrics of the API',
      expect.stringMatching(/^metrics at http:/),
    ]);
  });

  test('errors come first, and end it with 1', () => {
    const severities = findings.map(({ severity }) => severity);
    expect(severities).toEqual([...severities].sort());
    expect(exitCode).toBe(1);
  });

  test('for people each is one line with its fix below; status says that it wants attention', async () => {
    const { stdout, exitCode } = await desk.run(['doctor']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^error: Postgres: fsync is off\. .*\(POSTGRES_FSYNC_OFF\)\n {2}fix: ALTER SYSTEM/m,
    );
    expect(stdout).toMatch(/^\d+ errors, \d+ warnings\n$/m);
    const status = await desk.run(['status']);
    expect(status.stdout).toMatch(/Worker: +silent: roll-up-usage has been due for \d+ s/);
    expect(status.stdout).toContain('  - Postgres: fsync is off.');
  });

  test('nothing of the configuration that is secret is in it', async () => {
    const { stdout } = await desk.run(['doctor', '--json']);
    const { FLOWPLATE_MASTER_KEY = '', FLOWPLATE_PEPPERS = '', DATABASE_URL = '' } = broker.env;
    for (const secret of [FLOWPLATE_MASTER_KEY, FLOWPLATE_PEPPERS, new URL(DATABASE_URL).password]) {
      expect(stdout).not.toContain(secret);
    }
  });

  test('POSTGRES_READ_ONLY is found, as of a standby', async () => {
    await query(adminUrl, `ALTER ROLE ${ordinaryRole} SET default_transaction_read_only = on`);
    await query(
      adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flowplate-control'`,
    );
    await expect
      .poll(async () => (await examine(desk)).findings.map(({ code }) => code))
      .toContain('POSTGRES_READ_ONLY');
  });
});

/** As if the worker had ended two minutes ago. */
async function leaveJobDue(redisUrl: string): Promise<void> {
  const redis = openQueueRedis({ redisUrl }, () => undefined);
  const queue = openQueue(redis, () => undefined);
  await queue.add('roll-up-usage', {}, { timestamp: Date.now() - 120_000 });
  await queue.close();
  redis.disconnect();
}

describe('a deployment that is as it should be', () => {
  let broker: TestBroker;
  let desk: Desk;
  beforeAll(async () => {
    broker = await startBroker({ METRICS_PORT: '0' });
    atEnd(() => broker.close());
    desk = await openDesk(broker.url, { FLOWPLATE_API_KEY: (await platformKey(broker)).secret });
  });

  test('has no findings but those of the stores of the tests, which are in memory', async () => {
    const { findings } = await examine(desk);
    const ofTests = [
      'POSTGRES_FSYNC_OFF',
      'POSTGRES_FULL_PAGE_WRITES_OFF',
      'POSTGRES_SYNCHRONOUS_COMMIT_OFF',
    ];
    expect(findings.filter(({ code }) => !ofTests.includes(code))).toEqual([]);
  });

  test('its status names the broker, the stores, the lease, the verifiers and the versions', async () => {
    const { stdout, exitCode } = await desk.run(['status']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Broker: +http:\/\/127\.0\.0\.1:\d+ answers in \d+ ms, and is ready$/m);
    expect(stdout).toMatch(/^Lease: +held$/m);
    expect(stdout).toMatch(/^Verifiers: +1 live, 0 lapsed$/m);
    expect(stdout).toMatch(/^Versions: +broker \d+\.\d+\.\d+, command line \d+\.\d+\.\d+, Postgres \d+/m);
  });

  test('a status without a login says what everybody may know, and how to see more', async () => {
    const { stdout, stderr, exitCode } = await (await openDesk(broker.url)).run(['status']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('and is ready');
    expect(stdout).not.toContain('Verifiers');
    expect(stderr).toContain('flowplate platform login');
  });

  test('a master key that ends soon wants attention', async () => {
    const expiresAt = new Date(Date.now() + 5 * 86_400_000);
    const { id } = await broker.createMasterKey({ name: 'ending', expiresAt });
    expect((await desk.run(['status'])).stdout).toContain(`  - Master key ending (${id}) ends at `);
  });

  test('an address that is none is wrong use', async () => {
    expect((await desk.run(['doctor', '--metrics', 'localhost'])).exitCode).toBe(2);
  });
});

test('a status of a broker that is away is 1, and says what to look at', async () => {
  const desk = await openDesk(`http://127.0.0.1:${await quietPort()}`);
  const { stderr, exitCode } = await desk.run(['status']);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('(ECONNREFUSED). Is it running')]);
});
