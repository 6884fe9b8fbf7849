import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import {
  endStoppedKeys,
  finishStop,
  listKeyWriters,
  listOpenStops,
  listUntidiedKeys,
  lockOpenStop,
  type OpenStop,
  saveStopStep,
} from '../../stores/postgres/user-keys/key-stops.ts';

/** Keys in one transaction: some 20 ms, so that writers who meet one of them hardly wait. */
const batchMax = 500;
/** Read at once: the keys of one user are sorted for each read. */
const readMax = 10_000;
/** Pause after a batch, of the time that it took. */
const pauseShare = 0.5;
/** A run ends after so long, so that a worker that stops waits no longer for it. */
const runMsMax = 10_000;

/**
 * Writes stops into the rows of their keys, in batches, each with its audit events; returns the
 * number of keys. Until then a join says what the rows do not (migration 0041). The place is kept
 * with each batch, so a run may be killed, repeated or doubled.
 *
 * A stop is over after a pass over all of its keys that found none and began late enough: every
 * transaction that wrote keys when the worker first came had ended. One of them may have drawn a
 * mint number from before the stop, and its key is seen only when it commits.
 */
export async function tidyStops({ db }: { db: Database }): Promise<number> {
  const untilMs = performance.now() + runMsMax;
  let ended = 0;
  for (const id of await listOpenStops(db)) {
    for (let isGoingOn = true; isGoingOn && performance.now() < untilMs; ) {
      const step = await tidySome(db, id, untilMs);
      ended += step.ended;
      isGoingOn = step.isGoingOn;
    }
  }
  return ended;
}

/** `isGoingOn`: whether the next step can follow at once. */
type Stepped = { ended: number; isGoingOn: boolean };

const pause: Stepped = { ended: 0, isGoingOn: false };

async function tidySome(db: Database, id: string, untilMs: number): Promise<Stepped> {
  const stop = await db.transaction().execute((tx) => prepare(tx, id));
  if (stop === undefined) return pause;
  const ids = await listUntidiedKeys(db, stop, readMax);
  if (ids.length === 0) return db.transaction().execute((tx) => endPass(tx, stop));
  let ended = 0;
  for (let first = 0; first < ids.length && performance.now() < untilMs; first += batchMax) {
    const startedMs = performance.now();
    const batch = ids.slice(first, first + batchMax);
    const done = await db.transaction().execute((tx) => tidyBatch(tx, stop, batch));
    if (done === undefined) return { ended, isGoingOn: false };
    ended += done;
    // Verification and changes need the processor and the disk too.
    await sleep((performance.now() - startedMs) * pauseShare);
  }
  // All are being changed by others: they are looked at again later.
  return { ended, isGoingOn: ended > 0 };
}

/** The stop with its writers, who are noted once. */
async function prepare(tx: Tx, id: string): Promise<OpenStop | undefined> {
  const stop = await lockOpenStop(tx, id);
  if (stop === undefined || stop.writers !== null) return stop;
  const writers = await listKeyWriters(tx);
  await saveStopStep(tx, id, { ...stop, writers });
  return { ...stop, writers };
}

/** Undefined when another worker is at this stop. */
async function tidyBatch(tx: Tx, { id }: OpenStop, batch: readonly string[]): Promise<number | undefined> {
  const stop = await lockOpenStop(tx, id);
  if (stop === undefined) return undefined;
  const ended = await endStoppedKeys(tx, batch);
  // Keys without a minter in their rows come last, whatever their ids.
  const [place = ''] = [stop.place, ...batch].sort().reverse();
  await saveStopStep(tx, id, { place, isLastPass: false, writers: stop.writers ?? [] });
  return ended;
}

/** After the last key of a pass: the stop is over, or another pass begins. */
async function endPass(tx: Tx, { id, place, isLastPass }: OpenStop): Promise<Stepped> {
  const stop = await lockOpenStop(tx, id);
  if (stop === undefined || stop.place !== place || stop.isLastPass !== isLastPass) return pause;
  if (isLastPass) {
    await finishStop(tx, id);
    return pause;
  }
  const writers = new Set(await listKeyWriters(tx));
  const isOver = (stop.writers ?? []).every((writer) => !writers.has(writer));
  await saveStopStep(tx, id, { place: '', isLastPass: isOver, writers: stop.writers ?? [] });
  return { ended: 0, isGoingOn: isOver };
}
