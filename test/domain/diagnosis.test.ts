import { expect, test } from 'vitest';
import { type DeploymentFacts, diagnose } from '../../src/domain/diagnosis.ts';

const good: DeploymentFacts = {
  config: {
    isFirstMasterKeySet: false,
    trustedProxies: ['10.0.0.0/8'],
    logLevel: 'info',
    connectionsMax: 40,
    metricsPort: 9124,
    isPasswordForEmergencies: false,
    leaseMs: 15_000,
    failoverSecondsMax: undefined,
  },
  postgres: {
    version: 180_004,
    fsync: 'on',
    fullPageWrites: 'on',
    synchronousCommit: 'on',
    synchronousStandbyNames: 'ANY 1 (*)',
    isReadOnly: false,
    replicas: 1,
    connectionsMax: 100,
    nowMs: 1_000_000,
    pendingMigrations: [],
    unknownMigrations: [],
  },
  redis: { version: '7.2.4', evictionPolicy: 'allkeys-lru', nowMs: 1_000_000 },
  queueRedis: { version: '7.2.4', evictionPolicy: 'noeviction', nowMs: 1_000_000 },
  jobOverdueSeconds: 3,
  areMetricsReachable: true,
  isBreakGlassReady: false,
  isProviderReachable: null,
  nowMs: 1_001_500,
};

const codesOf = (facts: DeploymentFacts) => diagnose(facts).map(({ code }) => code);
const withPostgres = (changed: Partial<DeploymentFacts['postgres']>) =>
  codesOf({ ...good, postgres: { ...good.postgres, ...changed } });

test('a good deployment has no findings', () => {
  expect(diagnose(good)).toEqual([]);
});

test('a commit that no standby waits for is found, where there are standbys', () => {
  expect(withPostgres({ synchronousCommit: 'local' })).toEqual(['POSTGRES_SYNCHRONOUS_COMMIT_LOCAL']);
  expect(withPostgres({ synchronousStandbyNames: '' })).toEqual(['POSTGRES_STANDBY_ASYNCHRONOUS']);
  expect(withPostgres({ synchronousCommit: 'local', synchronousStandbyNames: '', replicas: 0 })).toEqual([]);
});

test('stores that are too old or away are found', () => {
  expect(withPostgres({ version: 140_011 })).toEqual(['POSTGRES_TOO_OLD']);
  expect(codesOf({ ...good, redis: { version: '6.2.1', evictionPolicy: '', nowMs: good.nowMs } })).toEqual([
    'REDIS_TOO_OLD',
  ]);
  expect(codesOf({ ...good, redis: null, queueRedis: null })).toEqual(['REDIS_UNREACHABLE']);
});

test('a clock is wrong in both directions, and which one is said', () => {
  for (const [byMs, word] of [
    [5_000, 'ahead of'],
    [-5_000, 'behind'],
  ] as const) {
    const redis = { version: '7.2.4', evictionPolicy: '', nowMs: good.nowMs + byMs };
    const [finding] = diagnose({ ...good, redis });
    expect(finding).toMatchObject({ code: 'CLOCKS_DIFFER', where: 'clock of Redis' });
    expect(finding?.message).toContain(word);
  }
});

test('everybody as a trusted proxy is found, in IPv4 and IPv6', () => {
  for (const range of ['0.0.0.0/0', '::/0', '128.0.0.0/1']) {
    const config = { ...good.config, trustedProxies: ['10.0.0.1', range] };
    expect(codesOf({ ...good, config })).toEqual(['TRUSTED_PROXIES_TOO_WIDE']);
  }
});

test('a lease that ends before a failover does is found, and the one that does not is named', () => {
  const withLease = (leaseMs: number, failoverSecondsMax: number | undefined) =>
    diagnose({ ...good, config: { ...good.config, leaseMs, failoverSecondsMax } });
  // Patroni's own times: ttl 30 s, loop_wait 10 s.
  const [finding, ...others] = withLease(15_000, 45);
  expect([finding?.code, finding?.severity, others]).toEqual(['LEASE_SHORTER_THAN_FAILOVER', 'warning', []]);
  expect(finding?.fix).toContain('LEASE_MS=50000');
  expect(withLease(50_000, 45)).toEqual([]);
  expect(withLease(49_999, 45)).toHaveLength(1);
  expect(withLease(15_000, undefined)).toEqual([]);
});
