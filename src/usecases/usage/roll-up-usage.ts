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

/** Bounds one run; what comes in meanwhile, or is more, is the next run's. */
const flushesPerRun = 10_000;

/** How often a flush is tried alone, before it is set aside. */
const triesAlone = 3;

type Run = RollUpParts & { counted: number; suspects: Map<string, unknown> };

/**
 * Moves the waiting flushes from Redis into the sums in Postgres, and returns how many were new.
 * Killed before the commit, it has done nothing; killed after it, the flushes are still in Redis
 * and the next run finds their ids in Postgres; run twice at once, each flush is claimed by one.
 * One that cannot be added up holds up no other: it is set aside.
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
 * A batch that was refused is halved, down to the one that is to blame. When the server is away,
 * nobody is.
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
 * Counts all flushes of the batch, and takes them out of Redis; hands back why they were refused.
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
  // Another worker was faster with these, or one was killed before it removed them.
  await removeFlushes(run.redis, counted);
  const known = new Set(counted);
  await addAll(
    run,
    ids.filter((id) => !known.has(id)),
  );
  return undefined;
}

/** A fault that need not be the flush's own counts as its own once others got in. */
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
