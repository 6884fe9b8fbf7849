import { Stamps } from '../domain/stamp.ts';
import { WorkloadTokens } from '../oidc/workload-tokens.ts';
import type { FeedGuard } from '../stores/postgres/database-history.ts';
import {
  certificateRuleLookUps,
  confirmedCertificateRuleLookUps,
  confirmedMasterKeyLookUps,
  confirmedMasterKeyReads,
  masterKeyLookUps,
  masterKeyReads,
} from '../stores/postgres/master-keys/look-ups.ts';
import { rekeyMasterKey, saveMasterKeyUses } from '../stores/postgres/master-keys/master-keys.ts';
import {
  confirmedImportCandidateLookUps,
  digestImportedKey,
  importCandidateLookUps,
} from '../stores/postgres/user-keys/imported-keys.ts';
import { rekeyKey } from '../stores/postgres/user-keys/user-keys.ts';
import { confirmedKeyRecordLookUps, keyRecordLookUps } from '../stores/postgres/verify-records.ts';
import { CertificateRules } from '../verify/certificate-rules.ts';
import { ForeignKeys } from '../verify/foreign-keys.ts';
import { type KeyRecordParts, KeyRecords } from '../verify/key-records.ts';
import { LastUses } from '../verify/last-uses.ts';
import { MasterKeys } from '../verify/master-keys.ts';
import { Rekeying } from '../verify/rekeying.ts';
import { SlowHashes } from '../verify/slow-hashes.ts';
import { TokenRules } from '../verify/token-rules.ts';
import type { ProcessParts } from './process-parts.ts';
import { masterKeysInMemoryMax, type RevocationParts } from './revocation.ts';
import type { Stores } from './stores.ts';

/** Statements for a hundred lookups each. More in parallel would only make them smaller. */
const recordStatementsMax = 2;
const recordsWaitingPerConnection = 500;
/** One statement at a time; the last in the queue waits for fifty. */
export const oneAtATime = { runningMax: 1, waitingMax: 5_000 } as const;

/** Keys and master keys by their secrets: from memory, Redis and Postgres. */
export function wireCredentials(
  processOwn: ProcessParts,
  { db, verifyDb, strangersDb, redis }: Stores,
  { clock, lease, history, revisions, refusedOrganizations, keysInMemory, ...revocation }: RevocationParts,
) {
  const { config, metrics, closing, fault } = processOwn;
  const keyring = config.FLOWPLATE_PEPPERS;
  const guard: FeedGuard = {
    knownSeq: () => revisions.seq,
    requireCurrent: (place, knownSeq) => history.requireCurrent(place, knownSeq),
  };
  const lastUses = new LastUses((uses) => saveMasterKeyUses(db, uses), fault('postgres'));
  closing.add('last uses', () => lastUses.close());
  const rekeying = new Rekeying((id, from, to) => rekeyKey(db, id, from, to));
  const recordParts = {
    ...{ keyring, lease, clock, revisions, refusedOrganizations, redis },
    recordStamps: new Stamps(keyring, 'records'),
    history,
    memory: keysInMemory,
    onOldPepper: (id, from, to) => rekeying.enqueue(id, from, to),
    onSource: (source) => metrics.countRecordSource(source),
  } satisfies Omit<KeyRecordParts, 'findKeyRecord' | 'findConfirmedKeyRecord' | 'foreign'>;
  const limits = {
    runningMax: Math.min(recordStatementsMax, config.VERIFY_CONNECTIONS_MAX),
    waitingMax: config.VERIFY_CONNECTIONS_MAX * recordsWaitingPerConnection,
  };
  const findKeyRecord = keyRecordLookUps(verifyDb, limits, guard);
  const findConfirmedKeyRecord = confirmedKeyRecordLookUps(verifyDb, limits, guard);
  const foreign = wireForeignKeys(processOwn, { db, verifyDb });
  const records = new KeyRecords({ ...recordParts, findKeyRecord, findConfirmedKeyRecord, foreign });
  // Same memory, but another pool: unauthenticated callers must not delay customers.
  const findCallerRecord = keyRecordLookUps(strangersDb, oneAtATime, guard);
  const callerRecords = new KeyRecords({
    ...recordParts,
    // Only keys of ours call this API.
    foreign: undefined,
    findKeyRecord: findCallerRecord,
    findConfirmedKeyRecord: confirmedKeyRecordLookUps(strangersDb, oneAtATime, guard),
  });
  const findByDigest = masterKeyLookUps(strangersDb, oneAtATime, guard);
  metrics.watchBulkheads({
    records: findKeyRecord,
    'records of callers': findCallerRecord,
    'master keys': findByDigest,
  });
  const onUse = (id: string, nowMs: number) => lastUses.note(id, nowMs);
  const masterKeys = new MasterKeys({
    ...{ keyring, lease, clock, revisions, onUse, chosenSecrets: revocation.chosenSecrets },
    memory: revocation.masterKeysInMemory,
    recognisedMax: masterKeysInMemoryMax,
    reads: { findByDigest, readMasterKey: masterKeyReads(verifyDb, oneAtATime, guard) },
    confirmedReads: {
      findByDigest: confirmedMasterKeyLookUps(strangersDb, oneAtATime, guard),
      readMasterKey: confirmedMasterKeyReads(verifyDb, oneAtATime, guard),
    },
    rekey: (id, from, to) => rekeyMasterKey(db, id, from, to),
  });
  const findRule = certificateRuleLookUps(verifyDb, oneAtATime, guard);
  metrics.watchBulkheads({ certificates: findRule });
  const certificateRules = new CertificateRules({
    ...{ lease, clock, revisions, onUse, findRule, absent: revocation.absentRules },
    memory: revocation.certificateRulesInMemory,
    findConfirmedRule: confirmedCertificateRuleLookUps(verifyDb, oneAtATime, guard),
  });
  const tokenRules = new TokenRules({
    ...{ lease, clock, revisions, onUse, rules: revocation.tokenRuleList },
    memory: revocation.tokenRulesInMemory,
    tokens: new WorkloadTokens({
      issuers: config.WORKLOAD_ISSUERS,
      nowMs: () => clock.nowMs(),
      onFault: fault('workload issuer'),
    }),
    readMasterKey: masterKeyReads(verifyDb, oneAtATime, guard),
    readConfirmedMasterKey: confirmedMasterKeyReads(verifyDb, oneAtATime, guard),
  });
  return { records, callerRecords, masterKeys, certificateRules, tokenRules, lastUses };
}

/** Undefined in a deployment that has declared no pattern. */
function wireForeignKeys(
  { config, metrics, closing, warnings }: ProcessParts,
  { db, verifyDb }: Pick<Stores, 'db' | 'verifyDb'>,
): KeyRecordParts['foreign'] {
  const patterns = config.FOREIGN_KEY_PATTERNS;
  if (patterns.length === 0) return undefined;
  const slowHashes = new SlowHashes();
  closing.add('slow hashes', () => slowHashes.close());
  const findCandidates = importCandidateLookUps(verifyDb, oneAtATime);
  metrics.watchBulkheads({ 'slow hashes': slowHashes, 'imported hashes': findCandidates });
  const firstUses = new Rekeying((id, _, to) => digestImportedKey(db, id, to));
  const keys = new ForeignKeys({
    ...{ patterns, keyring: config.FLOWPLATE_PEPPERS, slowHashes },
    onFirstUse: (id, to) => firstUses.enqueue(id, to.pepperId, to),
    onTooLongForBcrypt: () =>
      warnings.warn('bcrypt', {}, 'a key was refused: bcrypt reads 72 bytes, and the key is longer'),
  });
  const findConfirmedCandidates = confirmedImportCandidateLookUps(verifyDb, oneAtATime);
  return { keys, findCandidates, findConfirmedCandidates };
}
