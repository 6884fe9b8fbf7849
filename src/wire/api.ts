import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Bulkhead } from '../concurrency/bulkhead.ts';
import { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import { KeyedQueue } from '../concurrency/keyed-queue.ts';
import { LoopLateness } from '../concurrency/loop-lateness.ts';
import { readTogether } from '../concurrency/read-together.ts';
import type { Config } from '../config.ts';
import { CallBudgets } from '../domain/call-budgets.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { MasterKey } from '../domain/master-key.ts';
import { Stamps } from '../domain/stamp.ts';
import type { AppParts } from '../http/app.ts';
import { addressReader } from '../http/caller-address.ts';
import { RefusalPace } from '../http/refusal-pace.ts';
import { requestIds } from '../http/request-context.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { Closing } from '../process/closing.ts';
import { ChangeSignal } from '../revocation/change-signal.ts';
import { Lease } from '../revocation/lease.ts';
import { PropagationWatch } from '../revocation/propagation-watch.ts';
import { RefusedOrganizations } from '../revocation/refused-organizations.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../revocation/remembered-revisions.ts';
import { ServerClock } from '../revocation/server-clock.ts';
import { VerifierMemory } from '../revocation/verifier-memory.ts';
import { isPostgresReachable, openDatabase } from '../stores/postgres/database.ts';
import { masterKeyLookUps, masterKeyReads } from '../stores/postgres/master-keys/look-ups.ts';
import {
  listMasterKeyHashes,
  rekeyMasterKey,
  saveMasterKeyUses,
  updateMasterKeyHash,
} from '../stores/postgres/master-keys/master-keys.ts';
import { openPool } from '../stores/postgres/pool.ts';
import { sessionHolderLookUps } from '../stores/postgres/sessions/sessions.ts';
import { mintsInBatches } from '../stores/postgres/user-keys/minted-keys.ts';
import { rekeyKey } from '../stores/postgres/user-keys/user-keys.ts';
import { ChangeListener } from '../stores/postgres/verifiers/change-listener.ts';
import { keyRecordLookUps } from '../stores/postgres/verify-records.ts';
import { openQueueReadOnly } from '../stores/queue.ts';
import { QueueWatch } from '../stores/queue-health.ts';
import { isRedisReachable, openRedis, waitUntilReady } from '../stores/redis/client.ts';
import { defineLimitScripts } from '../stores/redis/limits.ts';
import { countFlushes, pushFlush } from '../stores/redis/usage-flushes.ts';
import { identifyApiUser } from '../usecases/api-users/identify-api-user.ts';
import { RefusalAudit } from '../usecases/audit/refusal-audit.ts';
import { enterOrganization } from '../usecases/organizations/enter-organization.ts';
import { identifyPlatformKey } from '../usecases/platform-users/identify-platform-key.ts';
import { isPlatformBootstrapped } from '../usecases/platform-users/is-platform-bootstrapped.ts';
import { identifySession } from '../usecases/sessions/identify-session.ts';
import { SigningKeys } from '../usecases/sessions/signing-keys.ts';
import { countFlush } from '../usecases/usage/count-flush.ts';
import { KnownLines } from '../usecases/verifiers/known-lines.ts';
import { KnownReporters } from '../usecases/verifiers/known-reporters.ts';
import { NewestHeartbeats } from '../usecases/verifiers/newest-heartbeats.ts';
import { VerifierLimits } from '../usecases/verifiers/verifier-limits.ts';
import { ChosenSecrets } from '../verify/chosen-secrets.ts';
import { CountedLimits } from '../verify/counted-limits.ts';
import { type KeyRecordParts, KeyRecords } from '../verify/key-records.ts';
import { LastUses } from '../verify/last-uses.ts';
import { LimitedLines } from '../verify/limited-lines.ts';
import { Limits } from '../verify/limits.ts';
import { MasterKeys } from '../verify/master-keys.ts';
import { RecordCache } from '../verify/record-cache.ts';
import { Rekeying } from '../verify/rekeying.ts';
import { SpentInPeriods } from '../verify/spent-in-periods.ts';
import { type DeliverFlush, UsageRecorder } from '../verify/usage-recorder.ts';
import type { VerifyParts } from '../verify/verify-key.ts';
import { tellOfLeftOutUsage } from './report-left-out-usage.ts';
import { tellOfSetAside } from './report-set-aside-flush.ts';

const hashesAtOnce = 2;
const hashesWaitingMax = 20;
/**
 * At two of 11 ms at once the last of them waits for a quarter of a second, for each hash that
 * there is.
 */
const chosenSecretsWaitingMax = 40;
/**
 * Verifications of the whole audit log, and likewise exports of it. One of a million events reads
 * for half a minute, on the connections that mints and lists need too (16 unless configured
 * otherwise). Waiting for a place would only hide that from the caller.
 */
const auditPasses = { runningMax: 2, waitingMax: 0, refusal: 'OVERLOADED', retryAfterSeconds: 5 } as const;
const masterKeysInMemoryMax = 10_000;
/**
 * About 500 bytes each. Beyond it, a limited key without a place is refused while Redis is away.
 */
const limitedLinesMax = 100_000;
const portalDirectory = fileURLToPath(new URL('../portal/dist', import.meta.url));
/** Opened as they are needed: a deployment without embedded verifiers has none of them. */
const verifierConnectionsMax = 4;
const redisConnectsMs = 500;
/**
 * One for each of master keys, keys of callers and sessions, and one for the small reads that are
 * shared.
 */
const strangerConnectionsMax = 4;
/** Statements for a hundred look-ups each. More at once would only make them smaller. */
const recordStatementsMax = 4;
const recordsWaitingPerConnection = 500;
/** One statement at a time; the last that waits has waited for fifty. */
const oneAtATime = { runningMax: 1, waitingMax: 5_000 } as const;
/**
 * Callers who change or read. Of the control connections changes take half and reads a quarter; the
 * rest is for mints, for who calls, and for revokes that wait for verifiers.
 */
const fairly = { waitingMax: 5_000, waitMsMax: 800, refusal: 'OVERLOADED' } as const;
/** A twentieth of a core or so. 1,500 connections that ask again at once are slowed down to it. */
const refusalPace = { perSecond: 300, atOnceMax: 300, waitMsMax: 5_000, waitingMax: 5_000 } as const;
/** Of keys that do not exist, through gateways that are known. The wait is too short to be seen. */
const unknownKeyPace = { perSecond: 1_000, atOnceMax: 100, waitMsMax: 250, waitingMax: 5_000 } as const;
/** 390 KB each. People load it once. */
const documentPace = { perSecond: 20, atOnceMax: 40, waitMsMax: 3_000, waitingMax: 1_000 } as const;
/** An operator's page waits for it, and no decision about a key. */
const queueLookMs = 500;

export type Api = {
  parts: Omit<AppParts, 'isDraining'>;
  /** Takes the lease and starts the rhythms; the API answers without them too, only slower. */
  start(): Promise<void>;
  /** Hands over what was counted so far, without waiting for its rhythm. */
  flushUsage(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Builds everything an API process needs, by hand and in the order in which it depends on one
 * another.
 */
export function wireApi(config: Config, log: Log, metrics: Metrics): Api {
  const closing = new Closing((what, error) => log.error({ err: error, what }, 'close failed'));
  const fault = (dependency: string) => (error: unknown) => {
    metrics.dependencyFaults.inc({ dependency });
    log.warn({ err: error, dependency }, 'dependency fault');
  };

  const db = open(config, 'control', config.CONTROL_CONNECTIONS_MAX, fault('postgres'));
  closing.add('control pool', () => db.destroy());
  const verifyDb = open(config, 'verify', config.VERIFY_CONNECTIONS_MAX, fault('postgres'));
  closing.add('verify pool', () => verifyDb.destroy());
  const strangersDb = open(config, 'strangers', strangerConnectionsMax, fault('postgres'));
  closing.add('strangers pool', () => strangersDb.destroy());
  const probeDb = open(config, 'probe', 1, fault('postgres'));
  closing.add('probe pool', () => probeDb.destroy());
  const leaseDb = open(config, 'lease', 1, fault('postgres'));
  closing.add('lease pool', () => leaseDb.destroy());
  const verifiersDb = open(config, 'verifiers', verifierConnectionsMax, fault('postgres'));
  closing.add('verifiers pool', () => verifiersDb.destroy());
  const usageDb = open(config, 'usage', 1, fault('postgres'));
  closing.add('usage pool', () => usageDb.destroy());
  const reportsDb = open(config, 'reports', 1, fault('postgres'));
  closing.add('reports pool', () => reportsDb.destroy());
  const redis = openRedis({ redisUrl: config.REDIS_URL, commandTimeoutMs: 100 }, fault('redis'));
  closing.add('redis', () => redis.disconnect());
  // Apart from records and counts, which can be large. Its commands may be late: their answers are
  // still heard.
  const limitsRedis = openRedis({ redisUrl: config.REDIS_URL, commandTimeoutMs: 1_000 }, fault('redis'));
  closing.add('limits redis', () => limitsRedis.disconnect());
  defineLimitScripts(limitsRedis);
  const queueRedis = openRedis(
    { redisUrl: config.QUEUE_REDIS_URL ?? config.REDIS_URL, commandTimeoutMs: queueLookMs },
    fault('queue redis'),
  );
  closing.add('queue redis', () => queueRedis.disconnect());
  const queue = new QueueWatch(queueRedis, () => openQueueReadOnly(queueRedis, fault('queue')));
  closing.add('queue watch', () => queue.close());

  const keyring = config.FLOWPLATE_PEPPERS;
  const clock = new ServerClock();
  const revisions = new RememberedRevisions({
    retentionMs: revisionMemoryMs,
    changesMax: changesRememberedMax,
  });
  const refusedOrganizations = new RefusedOrganizations();
  const keysInMemory = new RecordCache<KeyRecord>(revisions, config.RECORDS_IN_MEMORY_MAX);
  const masterKeysInMemory = new RecordCache<MasterKey>(revisions, masterKeysInMemoryMax);
  const memory = new VerifierMemory({
    revisions,
    refusedOrganizations,
    caches: [keysInMemory, masterKeysInMemory],
  });
  const changesHeard = new ChangeSignal();
  const propagation = new PropagationWatch(db, config.LEASE_MS, ({ heldUpBy }) => {
    metrics.countPending(heldUpBy);
    log.warn({ held_up_by: heldUpBy }, 'a change is pending: these verifiers have not confirmed it');
  });
  const chosenSecrets = new ChosenSecrets({
    lease: { isHeld: () => lease.isHeld() },
    listHashes: () => listMasterKeyHashes(strangersDb),
    hashing: new FairBulkhead({
      runningMax: hashesAtOnce,
      waitingMax: chosenSecretsWaitingMax,
      refusal: 'TOO_MANY_ATTEMPTS',
    }),
    saveHash: (id, passwordHash) => updateMasterKeyHash(db, id, passwordHash),
  });

  const lease: Lease = new Lease(
    {
      db: leaseDb,
      clock,
      onFault: fault('postgres'),
      onLeaseMs: (leaseMs) => propagation.noteLease(leaseMs),
      sink: {
        reset(seq, refused) {
          memory.reset(seq, refused);
          chosenSecrets.forgetHashes();
        },
        apply(changes, seq) {
          memory.apply(changes, seq);
          if (changes.some(({ kind }) => kind === 'master_key')) chosenSecrets.forgetHashes();
          if (changes.length > 0) changesHeard.tell();
        },
        forgetRecords: () => memory.forgetRecords(),
      },
    },
    {
      verifierId: randomUUID(),
      leaseMs: config.LEASE_MS,
      heartbeatMs: Math.min(1_000, config.LEASE_MS / 15),
    },
  );
  const listener = new ChangeListener(config.DATABASE_URL, () => lease.wake());

  // Redis sums up what many processes count; without it each goes to Postgres itself, under the
  // same flush id.
  const flushStamps = new Stamps(keyring, 'usage');
  const counting = { db: usageDb, onSetAside: tellOfSetAside(log, metrics), flushStamps };
  const deliverUsage: DeliverFlush = (flush) =>
    pushFlush({ redis, flushStamps }, flush).catch(() => countFlush(counting, flush));
  const usage = new UsageRecorder(deliverUsage, fault('usage'));
  closing.add('usage', () => usage.close());

  const lateness = new LoopLateness();
  const limits = new Limits({
    counted: new CountedLimits({
      redis: limitsRedis,
      spentInPeriods: new SpentInPeriods({
        redis,
        flushStamps,
        db: verifyDb,
        handOverUsage: () => usage.handOver(),
      }),
    }),
    lines: new LimitedLines(limitedLinesMax),
    clock,
    processes: () => Math.max(config.API_PROCESSES, lease.apiProcesses),
    loopLatenessMs: () => lateness.ms,
    onDecision: metrics.countLimitDecision,
  });

  const lastUses = new LastUses((uses) => saveMasterKeyUses(db, uses), fault('postgres'));
  closing.add('last uses', () => lastUses.close());

  const rekeying = new Rekeying((id, from, to) => rekeyKey(db, id, from, to));
  const recordParts = {
    ...{ keyring, lease, clock, revisions, refusedOrganizations, redis },
    recordStamps: new Stamps(keyring, 'records'),
    memory: keysInMemory,
    onOldPepper: (id, from, to) => rekeying.enqueue(id, from, to),
    onSource: (source) => metrics.countRecordSource(source),
  } satisfies Omit<KeyRecordParts, 'findKeyRecord'>;
  const records = new KeyRecords({
    ...recordParts,
    findKeyRecord: keyRecordLookUps(verifyDb, {
      runningMax: Math.min(recordStatementsMax, config.VERIFY_CONNECTIONS_MAX),
      waitingMax: config.VERIFY_CONNECTIONS_MAX * recordsWaitingPerConnection,
    }),
  });
  // The same memory, but another way to Postgres: a caller who only claims to have a key waits
  // apart from customers.
  const callerRecords = new KeyRecords({
    ...recordParts,
    findKeyRecord: keyRecordLookUps(strangersDb, oneAtATime),
  });
  const masterKeys = new MasterKeys({
    keyring,
    lease,
    clock,
    memory: masterKeysInMemory,
    revisions,
    recognisedMax: masterKeysInMemoryMax,
    findByDigest: masterKeyLookUps(strangersDb, oneAtATime),
    chosenSecrets,
    readMasterKey: masterKeyReads(verifyDb, oneAtATime),
    rekey: (id, from, to) => rekeyMasterKey(db, id, from, to),
    onUse: (id, nowMs) => lastUses.note(id, nowMs),
  });

  const changes = {
    db,
    clock,
    randomBytes,
    turns: new KeyedQueue(),
    connections: new FairBulkhead({ ...fairly, runningMax: Math.floor(config.CONTROL_CONNECTIONS_MAX / 2) }),
    propagation,
  };
  const refusals = new RefusalAudit(changes, fault('audit'));
  closing.add('refusals', () => refusals.close());

  const signingKeys = new SigningKeys({ db, strangersDb, clock, randomBytes, keyring });

  const findSessionHolder = sessionHolderLookUps(strangersDb, clock, oneAtATime);
  const verify = {
    records,
    clock,
    usage,
    spendLimits: (record, cost, now) => limits.spend(record, cost, now),
    onVerdict: (code) => metrics.countVerdict(code),
  } satisfies VerifyParts;

  metrics.watch('flowplate_lease_held', '1 while this process may verify from its caches', () =>
    lease.isHeld() ? 1 : 0,
  );
  metrics.watch('flowplate_records_in_memory', 'Key records in this process', () => keysInMemory.size);

  return {
    parts: {
      ...changes,
      keyring,
      environment: config.FLOWPLATE_ENV,
      signingKeys,
      passwordHashing: new Bulkhead({
        runningMax: hashesAtOnce,
        waitingMax: hashesWaitingMax,
        refusal: 'TOO_MANY_ATTEMPTS',
      }),
      auditVerifications: new Bulkhead(auditPasses),
      auditExports: new Bulkhead(auditPasses),
      reads: new FairBulkhead({ ...fairly, runningMax: Math.ceil(config.CONTROL_CONNECTIONS_MAX / 4) }),
      insertMint: mintsInBatches(db),
      masterKeys,
      identifySession: (token) => identifySession({ findSessionHolder, clock, signingKeys }, token),
      isPlatformBootstrapped: readTogether(() => isPlatformBootstrapped({ db: strangersDb })),
      identifyPlatformKey: (keyId) => identifyPlatformKey({ db }, keyId),
      identifyApiUser: (key) => identifyApiUser({ db }, key),
      enterOrganization: (caller, request) => enterOrganization(changes, caller, request),
      noteRefusal: (refusal) => refusals.note(refusal),
      verify,
      verifyCaller: { ...verify, records: callerRecords },
      verifiers: {
        db: verifiersDb,
        leaseMs: config.LEASE_MS,
        verifiersMax: config.VERIFIERS_PER_MASTER_KEY_MAX,
        turns: changes.turns,
        changes: changesHeard,
        limits: new VerifierLimits(config.VERIFIERS_PER_MASTER_KEY_MAX),
        newest: new NewestHeartbeats(),
      },
      usageReports: {
        reporters: new KnownReporters(reportsDb),
        lines: new KnownLines(reportsDb),
        budgets: new CallBudgets(),
        turns: new KeyedQueue(),
        deliverUsage,
        onLeftOut: tellOfLeftOutUsage(log, metrics),
      },
      readQueue: () => queue.read(),
      countFlushes: () => countFlushes(redis),
      log,
      refusalPace: new RefusalPace(refusalPace),
      unknownKeyPace: new RefusalPace(unknownKeyPace),
      documentPace: new RefusalPace(documentPace),
      portalDirectory,
      newRequestId: requestIds(randomBytes),
      readAddress: addressReader(config.TRUSTED_PROXIES),
      onRequest: ({ method, route, status, seconds }) =>
        metrics.requests.observe({ method, route, status }, seconds),
      isPostgresUp: () => isPostgresReachable(probeDb),
      isRedisUp: () => isRedisReachable(redis),
      isLeaseHeld: () => lease.isHeld(),
    },
    async start() {
      // Calls of the first moments are counted too. Without Redis it starts all the same.
      await waitUntilReady(limitsRedis, redisConnectsMs);
      closing.add('lease', () => lease.stop());
      await lease.start();
      closing.add('listener', () => listener.close());
      await listener.start();
      usage.start();
      closing.add('loop lateness', () => lateness.stop());
      lateness.start();
      closing.add('limits', () => limits.stop());
      limits.start();
      lastUses.start();
    },
    flushUsage: async () => {
      await Promise.all([usage.handOver(), lastUses.flush()]);
    },
    close: () => closing.run(),
  };
}

/**
 * How long the users of each pool may be kept waiting. One pool each, so that a flood of one kind
 * leaves the others alone.
 */
const poolTraits = {
  // Mint, refresh, revoke, lists: what takes longer is answered with 503 within the second.
  control: { connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 },
  // Verification's way to the truth.
  verify: { connectTimeoutMs: 500, statementTimeoutMs: 500, lockTimeoutMs: 400, looksUpByIndex: true },
  // All that is asked before it is known who calls.
  strangers: { connectTimeoutMs: 500, statementTimeoutMs: 500, lockTimeoutMs: 400, looksUpByIndex: true },
  // Whether Postgres answers at all, for /health/ready.
  probe: { connectTimeoutMs: 800, statementTimeoutMs: 800, lockTimeoutMs: 700 },
  // Heartbeats of embedded verifiers, which come in waves: every change wakes them all.
  verifiers: { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000, lockTimeoutMs: 900 },
  // Counts, which nobody waits for: of some thousand keys at once while Redis is away, and one
  // process at a time.
  usage: { connectTimeoutMs: 1_000, statementTimeoutMs: 10_000, lockTimeoutMs: 5_000 },
  // What has to be known of the keys in a gateway's usage report.
  reports: { connectTimeoutMs: 1_000, statementTimeoutMs: 1_000, lockTimeoutMs: 900, looksUpByIndex: true },
  // A heartbeat that waited behind other work would cost the lease.
  lease: { connectTimeoutMs: 1_000, statementTimeoutMs: 2_000, lockTimeoutMs: 1_900 },
} as const;

function open(
  config: Config,
  name: keyof typeof poolTraits,
  connectionsMax: number,
  onFault: (error: unknown) => void,
) {
  const { DATABASE_URL: databaseUrl } = config;
  const applicationName = `flowplate-${name}`;
  return openDatabase(
    openPool({ databaseUrl, applicationName, connectionsMax, ...poolTraits[name] }, onFault),
  );
}
