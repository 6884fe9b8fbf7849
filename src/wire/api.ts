import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { AppParts } from '../http/app.ts';
import { addressReader } from '../http/caller-address.ts';
import { requestIds } from '../http/request-context.ts';
import { managementNames, RequestLimits, revocationNames } from '../http/request-limits.ts';
import type { Log } from '../log.ts';
import type { ApiMetrics } from '../metrics/api-metrics.ts';
import { ClientCertificates } from '../process/client-certificates.ts';
import { findLastPosition } from '../stores/postgres/events/sealed-events.ts';
import { ChangeListener } from '../stores/postgres/verifiers/change-listener.ts';
import { waitUntilReady } from '../stores/redis/client.ts';
import { requireKindOfServer } from '../stores/redis/kind-of-server.ts';
import { countFlushes } from '../stores/redis/usage-flushes.ts';
import type { Tracing } from '../tracing/tracing.ts';
import { SealWatch } from '../usecases/events/seal-watch.ts';
import { activateKey } from '../usecases/user-keys/activate-key.ts';
import type { ExplainParts } from '../verify/explain.ts';
import type { LastRefusals } from '../verify/last-refusals.ts';
import type { VerifyParts } from '../verify/verify-key.ts';
import { wireCanaries } from './canaries.ts';
import { wireChanges } from './changes.ts';
import { type CountingParts, wireCounting } from './counting.ts';
import { wireCredentials } from './credentials.ts';
import { directDatabase } from './databases.ts';
import { wireDiagnosis } from './diagnosis.ts';
import { wireGateways } from './gateways.ts';
import { wireHealth } from './health.ts';
import { wireLastRefusals } from './last-refusals.ts';
import { bulkheads, paces } from './loads.ts';
import { type ProcessParts, processParts } from './process-parts.ts';
import type { RedisClients } from './read-again.ts';
import { mainRedis, queueRedis } from './redis-connections.ts';
import { type RevocationParts, wireRevocation } from './revocation.ts';
import { wireSignIn } from './sign-in.ts';
import { openStores, type Stores } from './stores.ts';
import { wireWebhooks } from './webhooks.ts';

const portalDirectory = fileURLToPath(new URL('../../portal/dist', import.meta.url));
const redisConnectsMs = 500;
/** A finder ends a hundred keys at once, and then ten a second. */
const revocationsPerSecond = 10;

export type Api = {
  parts: Omit<AppParts, 'isDraining'>;
  /** For the server's own TLS; without it there are none. */
  clientCertificates: ClientCertificates;
  redisClients: RedisClients;
  /** Takes the lease and starts the timers. The API answers without them too, only slower. */
  start(): Promise<void>;
  /** Flushes usage now instead of at the next interval. */
  flushUsage(): Promise<void>;
  close(): Promise<void>;
};

/** Composition root of an API process: everything by hand, in the order of its dependencies. */
export function wireApi(config: Config, log: Log, metrics: ApiMetrics, tracing?: Tracing): Api {
  const processOwn = processParts(config, log, metrics, tracing);
  const stores = openStores(processOwn);
  const revocation = wireRevocation(processOwn, stores);
  const listener = new ChangeListener(directDatabase(config).databaseUrl, {
    onChange: (seq) => revocation.lease.wake(seq),
    onProgress: () => revocation.propagation.wake(),
  });
  const counting = wireCounting(processOwn, stores, revocation);
  const credentials = wireCredentials(processOwn, stores, revocation);
  const changes = wireChanges(processOwn, stores, revocation);
  const { keyRefusals, lastRefusals } = wireLastRefusals(processOwn, stores, revocation);
  const canaries = wireCanaries(processOwn, stores);
  const activate: VerifyParts['activate'] = (record, masterKeyId) =>
    activateKey(changes, { ...record, keyId: record.id, masterKeyId });
  const verify = wireVerify(
    processOwn,
    revocation,
    { ...counting, lastRefusals, activate, unknownKeys: canaries },
    credentials.records,
  );
  const loads = bulkheads(config);
  const clientCertificates = new ClientCertificates();
  watch(processOwn, revocation, counting);
  metrics.watchBulkheads({
    passwords: loads.passwordHashing,
    'own passwords': loads.ownPasswordHashing,
    'identity provider': loads.providerCalls,
    'audit verifications': loads.auditVerifications,
    'audit exports': loads.auditExports,
    'key exports': loads.keyExports,
    'event waits': loads.eventWaits,
    'webhook tests': loads.webhookTests,
    reads: loads.reads,
    changes: changes.connections,
    mints: changes.insertMint,
  });
  return {
    clientCertificates,
    redisClients: { main: [stores.redis, stores.limitsRedis], queue: [stores.queueRedis] },
    parts: {
      ...changes,
      ...wireGateways(processOwn, stores, { ...revocation, ...counting, lastRefusals, turns: changes.turns }),
      ...loads,
      ...paces(),
      sealWatch: new SealWatch(async () => (await findLastPosition(stores.db))?.seq ?? 0),
      managementLimits: new RequestLimits({
        names: managementNames,
        perSecond: config.MANAGEMENT_RATE_LIMIT,
        onRefusal: metrics.countRateLimited,
      }),
      revocationLimits: new RequestLimits({
        names: revocationNames,
        perSecond: revocationsPerSecond,
        onRefusal: metrics.countRateLimited,
      }),
      ...wireHealth(processOwn, stores, revocation),
      verify,
      verifications: metrics.verifications,
      keyRefusals,
      // A user's key is no credential of these callers, so presenting it here is no use of it.
      verifyCaller: { ...verify, records: credentials.callerRecords, activate: async () => false },
      masterKeys: credentials.masterKeys,
      workloadTokens: credentials.tokenRules,
      identifyCertificate: (connection, ip) => {
        const certificate = clientCertificates.of(connection, revocation.clock.nowMs());
        return certificate && credentials.certificateRules.identify(certificate.identity, ip);
      },
      keyring: config.FLOWPLATE_PEPPERS,
      history: revocation.history,
      environment: config.FLOWPLATE_ENV,
      strictOrganizations: config.STRICT_ORGANIZATIONS,
      foreignPatterns: config.FOREIGN_KEY_PATTERNS,
      ...wireSignIn(processOwn, stores),
      strangersDb: stores.strangersDb,
      ...wireDiagnosis(config, stores),
      ...wireWebhooks(processOwn),
      readQueue: () => stores.queue.read(),
      countFlushes: () => countFlushes(stores.redis),
      log,
      tracing,
      portalDirectory,
      newRequestId: requestIds(randomBytes),
      readAddress: addressReader(config.TRUSTED_PROXIES),
      isFastLaneOn: config.FAST_LANE === 'on',
      onRequest: ({ method, route, status, seconds }) =>
        metrics.requests.observe({ method, route, status }, seconds),
    },
    start: () =>
      start(processOwn, stores, {
        ...revocation,
        ...counting,
        ...credentials,
        lastRefusals,
        canaries,
        listener,
      }),
    flushUsage: async () => {
      const { usage, supersededUses, askedScopes } = counting;
      const others = [credentials.lastUses, lastRefusals, canaries, supersededUses, askedScopes];
      await Promise.all([usage.handOver(), ...others.map((notes) => notes.flush())]);
    },
    close: () => processOwn.closing.run(),
  };
}

function wireVerify(
  { metrics }: ProcessParts,
  { clock }: RevocationParts,
  {
    usage,
    supersededUses,
    askedScopes,
    limits,
    lastRefusals,
    activate,
    unknownKeys,
  }: CountingParts & Pick<VerifyParts, 'activate' | 'unknownKeys'> & { lastRefusals: LastRefusals },
  records: VerifyParts['records'],
): VerifyParts & ExplainParts {
  return {
    records,
    clock,
    usage,
    spendLimits: (record, cost, now) => limits.spend(record, cost, now),
    readLimits: (record, now) => limits.read(record, now),
    refusals: lastRefusals,
    unknownKeys,
    supersededUses,
    askedScopes,
    activate,
    onVerdict: (code) => metrics.countVerdict(code),
  };
}

function watch(
  { metrics }: ProcessParts,
  { lease, hub, keysInMemory }: RevocationParts,
  { usage }: CountingParts,
): void {
  metrics.watchLease(lease);
  metrics.watchFollowers(() => hub.size);
  metrics.watchRecords(() => keysInMemory.size);
  metrics.watchUsage(() => usage.ageMs());
}

type Started = Pick<RevocationParts, 'lease'> &
  Pick<CountingParts, 'usage' | 'supersededUses' | 'askedScopes' | 'lateness' | 'limits'> & {
    lastUses: { start(): void };
    lastRefusals: { start(): void };
    canaries: { start(): void };
    listener: ChangeListener;
  };

async function start(
  { config, closing, fault }: ProcessParts,
  { limitsRedis, queueRedis: ofQueue }: Stores,
  started: Started,
): Promise<void> {
  const { lease, listener, usage, lateness, limits } = started;
  // Before the first request, so that early calls are counted too. It also starts without Redis.
  await Promise.all([limitsRedis, ofQueue].map((redis) => waitUntilReady(redis, redisConnectsMs)));
  await requireKindOfServer(limitsRedis, mainRedis(config).setting);
  await requireKindOfServer(ofQueue, queueRedis(config).setting);
  // One that came too late for this is at least named in the log.
  limitsRedis.on('ready', () => {
    requireKindOfServer(limitsRedis, mainRedis(config).setting).catch(fault('redis'));
  });
  closing.add('lease', () => lease.stop());
  await lease.start();
  closing.add('listener', () => listener.close());
  await listener.start();
  usage.start();
  closing.add('loop lateness', () => lateness.stop());
  lateness.start();
  closing.add('limits', () => limits.stop());
  limits.start();
  const { lastUses, lastRefusals, canaries, supersededUses, askedScopes } = started;
  for (const notes of [lastUses, lastRefusals, canaries, supersededUses, askedScopes]) notes.start();
}
