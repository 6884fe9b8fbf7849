import type { Database } from '../../stores/postgres/database.ts';
import { isDependencyUnavailable } from '../../stores/postgres/faults.ts';
import { addFlushes } from '../../stores/postgres/usage/flushes.ts';
import {
  listFlushIds,
  readFlushTexts,
  removeFlushes,
  type StampedFlushes,
  UnreadableFlush,
} from '../../stores/redis/usage-flushes.ts';
import { type FlushBatch, readFlushBatch } from './flush-batch.ts';
import { isFaultOfTheFlush, type OnSetAside, setFlushAside } from './set-flush-aside.ts';

export type RollUpParts = StampedFlushes & { db: Database; onSetAside: OnSetAside };

/** Bounds one run; the rest is for the next run. */
export const flushesPerRun = 10_000;

/** Number of single tries before a flush is set aside. */
const triesAlone = 3;

type Run = RollUpParts & { counted: number; suspects: Map<string, unknown> };

/**
 * Moves waiting flushes from Redis into the sums in Postgres, and returns the number of new ones.
 * Idempotent: a run killed before the commit has no effect; after it, the next run finds the ids in
 * Postgres. Of two runs at once, each flush is claimed by one. A flush that cannot be added up is
 * set aside, and blocks no other.
 */
export async function rollUpUsage(parts: RollUpParts): Promise<number> {
  const run: Run = { ...parts, counted: 0, suspects: new Map() };
  await addAll(run, await listFlushIds(parts.redis, flushesPerRun));
  for (const [id, error] of run.suspects) {
    // No other try makes it one of ours.
    if (error instanceof UnreadableFlush) await setAside(run, id, error);
    else await tryAlone(run, id, error);
  }
  return run.counted;
}

async function addAll(run: Run, ids: readonly string[]): Promise<void> {
  for (let rest = ids; rest.length > 0; ) {
    const batch = await readFlushBatch(run, rest);
    for (const { id, error } of batch.unreadable) run.suspects.set(id, error);
    await addBatch(run, batch);
    rest = batch.rest;
  }
}

/**
 * Bisects a refused batch, down to the faulty flush. An unavailable server is no fault of a flush.
 */
async function addBatch(run: Run, batch: FlushBatch): Promise<void> {
  if (batch.ids.length === 0) return;
  const refused = await add(run, batch);
  if (refused === undefined) return;
  if (batch.ids.length === 1) {
    for (const id of batch.ids) run.suspects.set(id, refused.error);
    return;
  }
  const middle = Math.ceil(batch.ids.length / 2);
  await addAll(run, batch.ids.slice(0, middle));
  await addAll(run, batch.ids.slice(middle));
}

/**
 * Counts all flushes of the batch and removes them from Redis; returns the error if they were
 * refused.
 */
async function add(run: Run, { ids, hours }: FlushBatch): Promise<{ error: unknown } | undefined> {
  let counted: string[];
  try {
    counted = await addFlushes(run.db, ids, hours);
  } catch (error) {
    if (isDependencyUnavailable(error)) throw error;
    return { error };
  }
  if (counted.length === 0) {
    run.counted += ids.length;
    await removeFlushes(run.redis, ids);
    return undefined;
  }
  // Another worker counted these first, or one was killed before it removed them.
  await removeFlushes(run.redis, counted);
  const known = new Set(counted);
  await addAll(
    run,
    ids.filter((id) => !known.has(id)),
  );
  return undefined;
}

/** An ambiguous error counts as the flush's own once other flushes were accepted. */
async function tryAlone(run: Run, id: string, firstError: unknown): Promise<void> {
  let error = firstError;
  for (let tries = 1; tries < triesAlone; tries++) {
    const batch = await readFlushBatch(run, [id]);
    const refused = batch.unreadable[0] ?? (batch.ids.length === 0 ? undefined : await add(run, batch));
    if (refused === undefined) return;
    error = refused.error;
  }
  if (!isFaultOfTheFlush(error) && run.counted === 0) throw error;
  await setAside(run, id, error);
}

async function setAside(run: Run, id: string, error: unknown): Promise<void> {
  const [text] = await readFlushTexts(run.redis, [id]);
  if (text === undefined) return;
  await setFlushAside(run, id, Buffer.from(text), error);
  await removeFlushes(run.redis, [id]);
}
