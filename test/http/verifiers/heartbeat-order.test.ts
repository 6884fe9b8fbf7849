import { afterAll, expect, test } from 'vitest';
import { KeyedQueue } from '../../../src/concurrency/keyed-queue.ts';
import { ChangeSignal } from '../../../src/revocation/change-signal.ts';
import { heartbeat } from '../../../src/usecases/verifiers/heartbeat.ts';
import { NewestHeartbeats } from '../../../src/usecases/verifiers/newest-heartbeats.ts';
import { registerVerifier } from '../../../src/usecases/verifiers/register-verifier.ts';
import { VerifierLimits } from '../../../src/usecases/verifiers/verifier-limits.ts';
import { admitTestCallers } from '../../support/callers.ts';
import { append, revisionOf } from '../../support/feed.ts';
import type { Around } from '../../support/observed-pool.ts';
import { openStores } from '../../support/stores.ts';
import { callerWith } from '../../support/use-case-parts.ts';

const stores = await openStores();
await admitTestCallers(stores.db);
afterAll(() => stores.close());

const { principal } = callerWith();
const now = { isLive: true, memoryMs: 60_000 };
const later = { isLive: false, memoryMs: 60_000 };

const steps: Array<[RegExp, string]> = [
  [/SELECT greatest\(/, 'count the recent changes'],
  [/hold_master_key/, 'hold the master key'],
  [/pg_advisory_xact_lock/, 'lock'],
  [/FOR NO KEY UPDATE/, 'count the verifiers'],
  [/max\("seq"\)/, 'find the end of the feed'],
  [/INSERT INTO verifiers/, 'register'],
  [/from "organizations"/, 'load organizations'],
  [/"committed_at" >/, 'load recent changes'],
  [/UPDATE verifiers SET applied_seq/, 'acknowledge and extend'],
  [/UPDATE verifiers SET told_seq/, 'note what is told'],
  [/from "key_changes" where "seq" >/, 'read'],
];

/** Names the statements in their order; `hold` stands before each of them. */
function observed(hold: (step: string) => Promise<unknown> | unknown = () => undefined) {
  const seen: string[] = [];
  const around: Around = async (text, run) => {
    const step = steps.find(([pattern]) => pattern.test(text))?.[1] ?? text;
    await hold(step);
    seen.push(step);
    return run();
  };
  const parts = {
    db: stores.observed(around),
    leaseMs: 15_000,
    verifiersMax: 1_000,
    turns: new KeyedQueue(),
    limits: new VerifierLimits(1_000),
    newest: new NewestHeartbeats(),
    changes: new ChangeSignal(),
  };
  return { seen, parts };
}

const beatOf = (verifierId: string, appliedSeq: number, waitMs = 0) => ({
  verifierId,
  appliedSeq,
  acknowledgedSeq: 0,
  waitMs,
  signal: new AbortController().signal,
  isDraining: () => false,
});

test('a registration finds its place and commits its row first, and loads afterwards', async () => {
  const { seen, parts } = observed();
  await registerVerifier(parts, principal, now);
  const inTransaction = [
    'hold the master key',
    'lock',
    'count the verifiers',
    'find the end of the feed',
    'register',
    'commit',
  ];
  const counted = ['find the end of the feed', 'count the recent changes', 'begin'];
  const loaded = ['load organizations', 'load recent changes'];
  expect(seen).toEqual([...counted, ...inTransaction, ...loaded]);
  seen.length = 0;
  await registerVerifier(parts, principal, later);
  expect(seen).toEqual(['begin', ...inTransaction, 'load organizations']);
});

test('a change that is committed between row and loading is both loaded and still to come', async () => {
  const { parts } = observed(
    async (step) => step === 'load organizations' && append(stores.db, revisionOf('flk_between', 2)),
  );
  const { recent, verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  expect(recent.map(({ subjectId }) => subjectId)).toContain('flk_between');
  const { changes } = await heartbeat(parts, principal, beatOf(verifierId, appliedSeq));
  expect(changes.map(({ subjectId }) => subjectId)).toContain('flk_between');
});

test('a heartbeat acknowledges and extends, committed, before it reads', async () => {
  const { seen, parts } = observed();
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  seen.length = 0;
  await heartbeat(parts, principal, beatOf(verifierId, appliedSeq));
  expect(seen).toEqual(['acknowledge and extend', 'read', 'read']);
});

test('an answer notes what it tells before it is given', async () => {
  let isFirst = true;
  const { seen, parts } = observed(async (step) => {
    if (step !== 'read' || !isFirst) return;
    isFirst = false;
    await append(stores.db, revisionOf('flk_told', 2));
  });
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  seen.length = 0;
  await heartbeat(parts, principal, beatOf(verifierId, appliedSeq));
  expect(seen).toEqual(['acknowledge and extend', 'read', 'note what is told']);
});

test('a change that is committed between the two is in the answer', async () => {
  let isFirst = true;
  const { parts } = observed(async (step) => {
    if (step !== 'read' || !isFirst) return;
    isFirst = false;
    await append(stores.db, revisionOf('flk_just_now', 2));
  });
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  const { changes } = await heartbeat(parts, principal, beatOf(verifierId, appliedSeq));
  expect(changes.map(({ subjectId }) => subjectId)).toEqual(['flk_just_now']);
});

test('a wait reads once more at its end and extends nothing', async () => {
  const { seen, parts } = observed();
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  seen.length = 0;
  await heartbeat(parts, principal, beatOf(verifierId, appliedSeq, 100));
  expect(seen).toEqual(['acknowledge and extend', 'read', 'read']);
});

test('a change that is heard of between the first look and the wait ends the wait at once', async () => {
  let reads = 0;
  const { parts } = observed(async (step) => {
    if (step !== 'read') return;
    reads += 1;
    if (reads === 2) await append(stores.db, revisionOf('flk_meanwhile', 2));
    // After the snapshot of the first read, before the wait.
    if (reads === 1) setImmediate(() => parts.changes.tell());
  });
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  const startedMs = performance.now();
  const { changes } = await heartbeat(parts, principal, beatOf(verifierId, appliedSeq, 5_000));
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(changes.map(({ subjectId }) => subjectId)).toEqual(['flk_meanwhile']);
});

test('a change that is told of after it was read is no news, and the wait goes on to the next one', async () => {
  let reads = 0;
  const { parts } = observed(async (step) => {
    if (step !== 'read') return;
    reads += 1;
    if (reads === 3) await append(stores.db, revisionOf('flk_next', 2));
    setImmediate(() => parts.changes.tell());
  });
  const { verifierId, appliedSeq } = await registerVerifier(parts, principal, now);
  const startedMs = performance.now();
  const { changes } = await heartbeat(parts, principal, beatOf(verifierId, appliedSeq, 5_000));
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(reads).toBe(3);
  expect(changes.map(({ subjectId }) => subjectId)).toEqual(['flk_next']);
});
