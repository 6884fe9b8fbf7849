import { randomUUID } from 'node:crypto';
import { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import type { MasterKey } from '../domain/master-key.ts';
import type { Propagation } from '../domain/propagation.ts';
import { RevocationJournal } from '../journal/revocation-journal.ts';
import { ChangeSignal } from '../revocation/change-signal.ts';
import { combineSinks } from '../revocation/combine-sinks.ts';
import { DatabaseHistory } from '../revocation/database-history.ts';
import { Hub } from '../revocation/hub.ts';
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
import {
  findFirstOtherChange,
  holdHistory,
  listHistories,
  readHistoryPosition,
} from '../stores/postgres/database-history.ts';
import {
  listMasterKeyHashes,
  listTokenRules,
  updateMasterKeyHash,
} from '../stores/postgres/master-keys/master-keys.ts';
import { listKeyChangesAfter } from '../stores/postgres/verifiers/change-feed.ts';
import { AbsentRules } from '../verify/absent-rules.ts';
import { ChosenSecrets } from '../verify/chosen-secrets.ts';
import { KeyMemory } from '../verify/key-memory.ts';
import { RecordCache } from '../verify/record-cache.ts';
import { TokenRuleList } from '../verify/token-rule-list.ts';
import { journalStores } from './journal-stores.ts';
import type { ProcessParts } from './process-parts.ts';
import type { Stores } from './stores.ts';

export const masterKeysInMemoryMax = 10_000;
const certificateRulesInMemoryMax = 1_000;
const tokenRulesInMemoryMax = 1_000;

/**
 * Operator-chosen master keys at argon2. The last that waits has waited for a quarter of a second,
 * at two of 11 ms at once, for each hash that there is.
 */
const chosenSecretHashing = { runningMax: 2, waitingMax: 40, refusal: 'TOO_MANY_ATTEMPTS' } as const;

export type RevocationParts = ReturnType<typeof wireRevocation>;

/** The lease, and what follows the change feed under it: caches, chosen master keys, heartbeats. */
export function wireRevocation(processOwn: ProcessParts, stores: Stores) {
  const { config, log, metrics, fault, tracing } = processOwn;
  const clock = new ServerClock();
  const revisions = new RememberedRevisions({
    retentionMs: revisionMemoryMs,
    changesMax: changesRememberedMax,
  });
  const refusedOrganizations = new RefusedOrganizations();
  const keysInMemory = new KeyMemory({
    revisions,
    refusedOrganizations,
    recordsMax: config.RECORDS_IN_MEMORY_MAX,
  });
  const masterKeysInMemory = new RecordCache<MasterKey>(revisions, masterKeysInMemoryMax);
  const certificateRulesInMemory = new RecordCache<MasterKey>(revisions, certificateRulesInMemoryMax);
  const absentRules = new AbsentRules();
  const tokenRulesInMemory = new RecordCache<MasterKey>(revisions, tokenRulesInMemoryMax);
  const tokenRuleList = new TokenRuleList({ isHeld: () => lease.isHeld() }, () =>
    listTokenRules(stores.strangersDb),
  );
  const caches = [keysInMemory, masterKeysInMemory, certificateRulesInMemory, tokenRulesInMemory];
  const memory = new VerifierMemory({ revisions, refusedOrganizations, caches });
  const changesHeard = new ChangeSignal();
  const hubId = randomUUID();
  const onSettled = (settled: Propagation) => {
    metrics.notePropagation(settled);
    if (settled.isComplete) return;
    log.warn({ held_up_by: settled.heldUpBy }, 'a change is pending: these verifiers have not applied it');
  };
  const propagation = new PropagationWatch(stores.db, config.LEASE_MS, onSettled, tracing);
  const hashing = new FairBulkhead(chosenSecretHashing);
  metrics.watchBulkheads({ 'chosen secrets': hashing });
  const chosenSecrets = new ChosenSecrets({
    lease: { isHeld: () => lease.isHeld() },
    listHashes: () => listMasterKeyHashes(stores.strangersDb),
    hashing,
    saveHash: (id, passwordHash) => updateMasterKeyHash(stores.db, id, passwordHash),
  });
  const journal = wireJournal(processOwn, stores);
  const history = new DatabaseHistory({
    readPosition: () => readHistoryPosition(stores.leaseDb),
    listHistories: () => listHistories(stores.leaseDb),
    hold: (reason) => holdHistory(stores.leaseDb, reason),
    readJournal: async () => (await journal?.read()) ?? (async () => undefined),
    onServer: (server) => {
      stores.leasedServer.current = server;
    },
    onHeld: (reason) =>
      log.error(
        { reason },
        'the database went back to an earlier state: nothing is vouched for until npm run recover',
      ),
  });
  const hub: Hub = new Hub({
    leaseMs: config.LEASE_MS,
    remainingMs: () => lease.remainingMs(),
    onSettled: () => lease.noteSettled(),
  });
  const lease: Lease = new Lease(
    {
      db: stores.leaseDb,
      clock,
      history,
      onFault: fault('postgres'),
      onLeaseMs: (leaseMs) => propagation.noteLease(leaseMs),
      beforeReport: async (seq) => journal?.reach(seq),
      onReport: () => propagation.wake(),
      hub,
      sink: combineSinks([
        memory,
        chosenSecrets,
        absentRules,
        tokenRuleList,
        changesHeard,
        hub,
        ...(journal === undefined ? [] : [journal]),
      ]),
    },
    {
      verifierId: hubId,
      leaseMs: config.LEASE_MS,
      heartbeatMs: Math.min(1_000, config.LEASE_MS / 15),
    },
  );
  stores.leasedServer.confirm = () => lease.beatNow();
  const known = {
    ...{ clock, revisions, refusedOrganizations, keysInMemory, masterKeysInMemory },
    ...{ certificateRulesInMemory, absentRules, tokenRulesInMemory, tokenRuleList },
  };
  return { ...known, chosenSecrets, changesHeard, propagation, history, journal, lease, hub, hubId };
}

const changesPerRead = 1_000;

/** The revocation journal, where there is a directory or a bucket for it. */
function wireJournal(
  { config, closing, fault }: ProcessParts,
  { leaseDb }: Stores,
): RevocationJournal | undefined {
  const stores = journalStores(config);
  if (stores.length === 0) return undefined;
  const journal = new RevocationJournal({
    stores,
    readPosition: () => readHistoryPosition(leaseDb),
    listChangesAfter: (seq) => listKeyChangesAfter(leaseDb, seq, changesPerRead),
    findFirstOtherChange: (changes) => findFirstOtherChange(leaseDb, changes),
    onFault: fault('journal'),
  });
  closing.add('journal', () => journal.close());
  return journal;
}
