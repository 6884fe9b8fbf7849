import { KeyedQueue } from '../concurrency/keyed-queue.ts';
import { readTogether } from '../concurrency/read-together.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import { Stamps } from '../domain/stamp.ts';
import type { AppParts } from '../http/app.ts';
import { ScannerKeys } from '../oidc/scanner-keys.ts';
import { pooledRandomBytes } from '../random-pool.ts';
import type { Told } from '../revocation/propagation-watch.ts';
import { isServerAway } from '../stores/postgres/faults.ts';
import { sealedAnswerLookUps } from '../stores/postgres/idempotency-keys.ts';
import { sessionHolderLookUps } from '../stores/postgres/sessions/sessions.ts';
import { mintsInBatches } from '../stores/postgres/user-keys/minted-keys.ts';
import { identifyApiUser } from '../usecases/api-users/identify-api-user.ts';
import { RefusalAudit } from '../usecases/audit/refusal-audit.ts';
import { enterOrganization } from '../usecases/organizations/enter-organization.ts';
import { RememberedPolicies } from '../usecases/organizations/remembered-policies.ts';
import { identifyPlatformKey } from '../usecases/platform-users/identify-platform-key.ts';
import { isPlatformBootstrapped } from '../usecases/platform-users/is-platform-bootstrapped.ts';
import { identifySession } from '../usecases/sessions/identify-session.ts';
import { SigningKeys } from '../usecases/sessions/signing-keys.ts';
import { changedRecords } from '../verify/changed-records.ts';
import { mintedRecords } from '../verify/minted-records.ts';
import { oneAtATime } from './credentials.ts';
import { changesAtOnce } from './loads.ts';
import type { ProcessParts } from './process-parts.ts';
import type { RevocationParts } from './revocation.ts';
import type { Stores } from './stores.ts';

/** Changes, who may make them, and the audit of who may not. */
export function wireChanges(
  { config, closing, fault }: ProcessParts,
  { db, verifyDb, strangersDb, redis }: Stores,
  { clock, propagation, lease, revisions, history, journal }: RevocationParts,
) {
  const keyring = config.FLOWPLATE_PEPPERS;
  const randomBytes = pooledRandomBytes();
  const secondFactor = config.SECOND_FACTOR;
  const connections = changesAtOnce(config);
  const recordStamps = new Stamps(keyring, 'records');
  const known = { lease, revisions, clock, redis, recordStamps, history };
  const renewRecord = changedRecords({ ...known, db: verifyDb, keyring });
  const changes = {
    ...{ db, clock, randomBytes, turns: new KeyedQueue(isServerAway), connections },
    propagation: {
      wait: async (told: Told | undefined) => {
        if (told?.following !== undefined) {
          const { change } = told.following;
          lease.hear(told.following);
          if (change.kind === 'key') renewRecord(change.subjectId);
        }
        if (told === undefined || journal === undefined) return propagation.wait(told);
        lease.wake(told.seq);
        const [propagated] = await Promise.all([propagation.wait(told), journal.reach(told.seq)]);
        return propagated;
      },
    },
    requireChangeable: () => {
      history.requireFree();
      journal?.requireWritable();
    },
  };
  const refusals = new RefusalAudit(changes, fault('audit'));
  closing.add('refusals', () => refusals.close());
  const signingKeys = new SigningKeys({ db, strangersDb, clock, randomBytes, keyring });
  const findSessionHolder = sessionHolderLookUps(strangersDb, clock, oneAtATime);
  return {
    ...changes,
    signingKeys,
    secondFactor,
    insertMint: mintsInBatches(db),
    findSealedAnswer: sealedAnswerLookUps(db),
    policies: new RememberedPolicies(),
    homes: new SingleFlight(),
    leakAction: config.LEAK_ACTION,
    leakReporters: config.LEAK_REPORTERS,
    scannerKeys: new ScannerKeys({
      from: config.LEAK_GITHUB_KEYS_URL ?? config.LEAK_GITHUB_KEYS_FILE,
      nowMs: () => clock.monotonicMs(),
      onFault: fault('leaks'),
    }),
    noteMint: mintedRecords(known),
    identifySession: (token) =>
      identifySession({ findSessionHolder, clock, signingKeys, secondFactor }, token),
    isPlatformBootstrapped: readTogether(() => isPlatformBootstrapped({ db: strangersDb })),
    identifyPlatformKey: (keyId) => identifyPlatformKey({ db }, keyId),
    identifyApiUser: (key) => identifyApiUser({ db }, key),
    enterOrganization: (caller, request) => enterOrganization(changes, caller, request),
    noteRefusal: (refusal) => refusals.note(refusal),
  } satisfies Partial<AppParts>;
}
