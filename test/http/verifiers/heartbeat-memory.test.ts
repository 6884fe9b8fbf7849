import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { KeyedQueue } from '../../../src/concurrency/keyed-queue.ts';
import { ChangeSignal } from '../../../src/revocation/change-signal.ts';
import { findLastKeyChangeSeq } from '../../../src/stores/postgres/verifiers/change-feed.ts';
import { heartbeat } from '../../../src/usecases/verifiers/heartbeat.ts';
import { NewestHeartbeats } from '../../../src/usecases/verifiers/newest-heartbeats.ts';
import { registerVerifier } from '../../../src/usecases/verifiers/register-verifier.ts';
import { VerifierLimits } from '../../../src/usecases/verifiers/verifier-limits.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { append, revisionOf } from '../../support/feed.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith } from '../../support/use-case-parts.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
afterAll(() => stores.close());

const { principal } = callerWith();

/** A process that has applied the feed so far, and a verifier whose heartbeat waits at its end. */
async function waiting() {
  let reads = 0;
  const changes = new ChangeSignal();
  const parts = {
    db: stores.observed((text, run) => {
      if (text.includes('from "key_changes" where "seq" >')) reads += 1;
      return run();
    }),
    leaseMs: 15_000,
    verifiersMax: 1_000,
    turns: new KeyedQueue(),
    limits: new VerifierLimits(1_000),
    newest: new NewestHeartbeats(),
    changes,
  };
  changes.reset(await findLastKeyChangeSeq(stores.db));
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, {
    isLive: false,
    memoryMs: 60_000,
  });
  const answer = heartbeat(parts, principal, {
    ...{ verifierId, appliedSeq, acknowledgedSeq: 0, waitMs: 3_000 },
    signal: new AbortController().signal,
    isDraining: () => false,
  });
  while (changes.waiting === 0) await sleep(5);
  return { changes, answer, reads: () => reads };
}

const appended = async (id: string) => {
  const change = revisionOf(id, 2);
  return { ...change, seq: await append(stores.db, change) };
};

test('a waiting heartbeat is answered with what the process has applied, without a read of its own', async () => {
  const { changes, answer, reads } = await waiting();
  const [first, second] = [await appended('flk_1'), await appended('flk_2')];
  changes.apply([first, second]);
  expect(await answer).toMatchObject({ changes: [first, second], appliedSeq: second.seq, hasMore: false });
  expect(reads()).toBe(1);
});

test('a heartbeat whose place the process does not remember reads the feed', async () => {
  const { changes, answer, reads } = await waiting();
  const [first, second] = [await appended('flk_1'), await appended('flk_2')];
  // As after a start of its lease: what was before is not known.
  changes.reset(first.seq);
  changes.apply([second]);
  expect((await answer).changes).toEqual([first, second]);
  expect(reads()).toBe(2);
});

test('the latest thousand changes are remembered, and an older place is not answered from them', () => {
  const changes = new ChangeSignal();
  changes.reset(0);
  const all = Array.from({ length: 1_500 }, (_, index) => ({
    ...revisionOf(`flk_${index}`, 2),
    seq: index + 1,
  }));
  changes.apply(all);
  expect(changes.changesAfter(499)).toEqual([]);
  expect(changes.changesAfter(500)).toEqual(all.slice(500));
  expect(changes.changesAfter(1_500)).toEqual([]);
});
