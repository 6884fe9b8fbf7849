import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AppliedChange, KeyChange } from '../../src/domain/key-change.ts';
import { combineSinks } from '../../src/revocation/combine-sinks.ts';
import { DatabaseHistory } from '../../src/revocation/database-history.ts';
import { Hub } from '../../src/revocation/hub.ts';
import { Lease, type LeaseOptions } from '../../src/revocation/lease.ts';
import { ServerClock } from '../../src/revocation/server-clock.ts';
import type { ChangeSink } from '../../src/revocation/verifier-memory.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import {
  holdHistory,
  listHistories,
  readHistoryPosition,
} from '../../src/stores/postgres/database-history.ts';
import { appendKeyChanges } from './finish-change.ts';
import type { Around } from './observed-pool.ts';

export function revisionOf(subjectId: string, revision: number): KeyChange {
  return { kind: 'key', subjectId, revision, status: null };
}

/** Appends one committed change; returns its seq. */
export async function append(db: Database, change: KeyChange): Promise<number> {
  const seq = await db.transaction().execute((tx) => appendKeyChanges(tx, [change]));
  return seq ?? 0;
}

/** Without a word to those who listen. */
export async function appendMany(db: Database, name: string, count: number): Promise<void> {
  await sql`INSERT INTO key_changes (kind, subject_id, revision)
    SELECT 'key', ${name}::text || '_' || number, 2 FROM generate_series(1, ${count}::int) AS number`.execute(
    db,
  );
}

/** Records the changes that a verifier gets. */
export function recordedFeed() {
  const resets: string[][] = [];
  const applied: AppliedChange[] = [];
  const sink: ChangeSink = {
    reset: (_seq, refused) => void resets.push([...refused]),
    apply: (changes) => void applied.push(...changes),
    forgetRecords: () => undefined,
  };
  return {
    sink,
    resets,
    applied,
    heardOf: (id: string) => applied.some(({ subjectId }) => subjectId === id),
  };
}

function historyOf(db: Database): DatabaseHistory {
  return new DatabaseHistory({
    readPosition: () => readHistoryPosition(db),
    listHistories: () => listHistories(db),
    hold: (reason) => holdHistory(db, reason),
    readJournal: async () => async () => undefined,
    onHeld: () => undefined,
    onServer: () => undefined,
  });
}

/** A lease of the test's own, short by default. */
export function newLease(db: Database, sink: ChangeSink, options: Partial<LeaseOptions> = {}) {
  const faults: unknown[] = [];
  const { leaseMs = 3_000 } = options;
  const hub: Hub = new Hub({
    leaseMs,
    remainingMs: () => lease.remainingMs(),
    onSettled: () => lease.noteSettled(),
  });
  const lease: Lease = new Lease(
    {
      ...{ db, hub, history: historyOf(db), sink: combineSinks([sink, hub]), clock: new ServerClock() },
      beforeReport: async () => undefined,
      onReport: () => undefined,
      onLeaseMs: () => undefined,
      onFault: (fault) => void faults.push(fault),
    },
    { verifierId: randomUUID(), leaseMs, heartbeatMs: 50, ...options },
  );
  return { lease, hub, faults };
}

const steps: Array<[RegExp, string]> = [
  [/SELECT greatest\(/, 'find its place'],
  [/INSERT INTO verifiers/, 'register'],
  [/from "organizations"/, 'load organizations'],
  [/UPDATE verifiers SET lease_until/, 'extend'],
  [/from "key_changes" where "seq" >/, 'read'],
  [/UPDATE verifiers SET applied_seq = \S+, reached_seq/, 'say so'],
  [/^SELECT \(\s*SELECT CASE WHEN held_since/, 'look at the history'],
  [/from "database_histories"/, 'list the histories'],
];

/** Names the statements of a lease in order; `hold` runs before each. */
export function nameSteps(hold: (step: string) => Promise<void> | void): { seen: string[]; around: Around } {
  const seen: string[] = [];
  const around: Around = async (text, run) => {
    const step = steps.find(([pattern]) => pattern.test(text))?.[1] ?? text;
    await hold(step);
    seen.push(step);
    return run();
  };
  return { seen, around };
}
