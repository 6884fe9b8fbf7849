import { randomBytes } from 'node:crypto';
import { FairBulkhead } from '../../src/concurrency/fair-bulkhead.ts';
import type { Keyring } from '../../src/domain/key-digest.ts';
import type { MasterKey } from '../../src/domain/master-key.ts';
import { ServerClock } from '../../src/revocation/server-clock.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import {
  confirmedMasterKeyLookUps,
  confirmedMasterKeyReads,
  masterKeyLookUps,
  masterKeyReads,
} from '../../src/stores/postgres/master-keys/look-ups.ts';
import {
  listMasterKeyHashes,
  rekeyMasterKey,
  updateMasterKeyHash,
} from '../../src/stores/postgres/master-keys/master-keys.ts';
import { createMasterKey } from '../../src/usecases/master-keys/create-master-key.ts';
import { ChosenSecrets } from '../../src/verify/chosen-secrets.ts';
import { MasterKeys } from '../../src/verify/master-keys.ts';
import { RecordCache } from '../../src/verify/record-cache.ts';
import { anyHistory } from './any-history.ts';
import { testOrigin } from './broker.ts';
import type { Around } from './observed-pool.ts';
import type { TestStores } from './stores.ts';
import { testKeyring, type UseCaseParts } from './use-case-parts.ts';
import { newRevisions } from './verifier.ts';

const lookUps = { runningMax: 1, waitingMax: 5_000 };

type Options = {
  keyring?: Keyring;
  /** Without a lease, nothing may be answered from memory. */
  isLeaseHeld?: () => boolean;
  aroundStrangers?: Around;
  aroundCustomers?: Around;
};

/** Authenticator of one replica, with the statements on each of its pools. */
export function newAuthenticator(stores: TestStores, options: Options = {}) {
  const { keyring = testKeyring, isLeaseHeld: isHeld = () => true } = options;
  const statements = { strangers: 0, customers: 0 };
  const observed = (way: keyof typeof statements, around: Around = (_text, run) => run()): Database =>
    stores.observed((text, run) => {
      // Without a lease a read has a transaction of its own, which does not count.
      if (/master_keys/.test(text)) statements[way] += 1;
      return around(text, run);
    });
  const strangersDb = observed('strangers', options.aroundStrangers);
  const customersDb = observed('customers', options.aroundCustomers);
  const lease = { isHeld };
  const revisions = newRevisions();
  const chosenSecrets = new ChosenSecrets({
    lease,
    listHashes: () => listMasterKeyHashes(strangersDb),
    hashing: new FairBulkhead({ runningMax: 2, waitingMax: 40, refusal: 'TOO_MANY_ATTEMPTS' }),
    saveHash: (id, passwordHash) => updateMasterKeyHash(stores.db, id, passwordHash),
  });
  const masterKeys = new MasterKeys({
    keyring,
    lease,
    clock: new ServerClock(),
    memory: new RecordCache<MasterKey>(revisions, 100),
    revisions,
    recognisedMax: 100,
    chosenSecrets,
    reads: {
      findByDigest: masterKeyLookUps(strangersDb, lookUps, anyHistory),
      readMasterKey: masterKeyReads(customersDb, lookUps, anyHistory),
    },
    confirmedReads: {
      findByDigest: confirmedMasterKeyLookUps(strangersDb, lookUps, anyHistory),
      readMasterKey: confirmedMasterKeyReads(customersDb, lookUps, anyHistory),
    },
    rekey: (id, from, to) => rekeyMasterKey(strangersDb, id, from, to),
    onUse: () => undefined,
  });
  return {
    statements,
    /** Identifies a secret that comes from `place`. */
    identify: async (secret: string, place = '192.0.2.1') =>
      (await masterKeys.identify(secret, () => place))?.id,
    /** Delivers a feed entry about a master key. */
    hear: (id: string, revision: number) => {
      const seq = revisions.seq + 1;
      revisions.remember({ subjectId: id, revision, seq }, performance.now());
      revisions.advance(seq);
      chosenSecrets.forgetHashes();
    },
  };
}

export const chosenSecret = () => `correct horse ${randomBytes(16).toString('base64')}`;

/** Master key with every right, and a generated secret unless one is given. */
export async function newMasterKey(
  parts: UseCaseParts,
  secret?: string,
): Promise<{ id: string; secret: string }> {
  const request = {
    name: 'test',
    permissions: [],
    organizationIds: null,
    environments: null,
    ipAllowlist: null,
    expiresAt: null,
    chosenSecret: secret,
  };
  const { masterKey, ...created } = await createMasterKey(parts, testOrigin, request);
  return { id: masterKey.id, secret: created.secret };
}
