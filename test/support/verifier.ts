import type { KeyDigest, Keyring } from '../../src/domain/key-digest.ts';
import { Stamps } from '../../src/domain/stamp.ts';
import { RefusedOrganizations } from '../../src/revocation/refused-organizations.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../../src/revocation/remembered-revisions.ts';
import { ServerClock } from '../../src/revocation/server-clock.ts';
import { VerifierMemory } from '../../src/revocation/verifier-memory.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import type { LookUpLimits } from '../../src/stores/postgres/look-ups.ts';
import { confirmedKeyRecordLookUps, keyRecordLookUps } from '../../src/stores/postgres/verify-records.ts';
import { KeyMemory } from '../../src/verify/key-memory.ts';
import { type KeyRecordParts, KeyRecords, type RecordSource } from '../../src/verify/key-records.ts';
import { anyHistory } from './any-history.ts';
import type { Around } from './observed-pool.ts';
import type { TestStores } from './stores.ts';
import { testKeyring } from './use-case-parts.ts';

export type VerifierOptions = Partial<Pick<KeyRecordParts, 'lease' | 'revisions' | 'redis'>> & {
  db?: Database;
  lookUps?: LookUpLimits;
  keyring?: Keyring;
  clock?: KeyRecordParts['clock'];
};

const lookUpLimits: LookUpLimits = { runningMax: 4, waitingMax: 4_000 };

export type Rekeyed = { keyId: string; fromPepperId: string; to: KeyDigest };

/** As a process remembers them. */
export const newRevisions = () =>
  new RememberedRevisions({ retentionMs: revisionMemoryMs, changesMax: changesRememberedMax });

/** Record lookups of one replica, with its own memory over the stores of the test. */
export function newVerifier(stores: TestStores, options: VerifierOptions = {}) {
  const revisions = options.revisions ?? newRevisions();
  const refusedOrganizations = new RefusedOrganizations();
  const memory = new KeyMemory({ revisions, refusedOrganizations, recordsMax: 1_000 });
  const sources: RecordSource[] = [];
  const oldPeppers: Rekeyed[] = [];
  const records = new KeyRecords({
    keyring: testKeyring,
    lease: { isHeld: () => true },
    clock: new ServerClock(),
    redis: stores.redis,
    history: stores.history,
    foreign: undefined,
    recordStamps: new Stamps(options.keyring ?? testKeyring, 'records'),
    findKeyRecord: keyRecordLookUps(options.db ?? stores.db, options.lookUps ?? lookUpLimits, anyHistory),
    findConfirmedKeyRecord: confirmedKeyRecordLookUps(
      options.db ?? stores.db,
      options.lookUps ?? lookUpLimits,
      anyHistory,
    ),
    ...options,
    memory,
    revisions,
    refusedOrganizations,
    onOldPepper: (keyId, fromPepperId, to) => void oldPeppers.push({ keyId, fromPepperId, to }),
    onSource: (source) => void sources.push(source),
  });
  const sink = new VerifierMemory({ revisions, refusedOrganizations, caches: [memory] });
  return { records, memory, revisions, refusedOrganizations, sources, oldPeppers, sink };
}

const isLookup = (text: string) => text.includes('FROM api_keys k JOIN organizations');

/** Counts the lookups that reach Postgres. */
export function countedLookups(stores: TestStores) {
  const lookups = { count: 0 };
  const around: Around = (text, run) => {
    if (isLookup(text)) lookups.count += 1;
    return run();
  };
  return { lookups, db: stores.observed(around) };
}

/** Holds the answer of the first lookup that reaches Postgres until released. */
export function heldLookup(stores: TestStores) {
  const read = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const lookups = { count: 0 };
  const around: Around = async (text, run) => {
    const answer = await run();
    if (isLookup(text)) lookups.count += 1;
    if (isLookup(text) && lookups.count === 1) {
      read.resolve();
      await released.promise;
    }
    return answer;
  };
  return {
    db: stores.observed(around),
    hasRead: read.promise,
    release: () => released.resolve(),
    lookups,
  };
}
