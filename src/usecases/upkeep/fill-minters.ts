import { setTimeout as sleep } from 'node:timers/promises';
import { idFloor } from '../../domain/ids.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import {
  endFillPass,
  fillMintedBy,
  lockFillPlace,
  moveFillPlace,
} from '../../stores/postgres/user-keys/minted-by-fill.ts';

/** A writer of one of these keys waits for the batch, which takes about 20 ms. */
const batchMax = 200;

/** The worker has other jobs too, and the next run goes on from here. */
const runMsMax = 4_000;

/** Processes of the previous release mint without `minted_by` until they are replaced. */
const restMs = 10 * 60_000;

/** Longer than a mint takes from its id to its commit, and than clocks differ. */
const overlapMs = 60 * 60_000;

/**
 * Fills `minted_by` of older keys from their audit events, in small transactions and by their ids.
 * Half of the time is left to others. A killed run goes on after its last batch. When a pass has
 * seen all keys, the next one looks every ten minutes at those that are newer. Returns the number
 * of keys that were filled.
 */
export async function fillMinters({ db }: { db: Database }): Promise<number> {
  const endsAt = performance.now() + runMsMax;
  let filled = 0;
  for (let isMore = true; isMore && performance.now() < endsAt; ) {
    const begunAt = performance.now();
    const batch = await fillBatch(db);
    filled += batch.filled;
    isMore = batch.isMore;
    if (isMore) await sleep(performance.now() - begunAt);
  }
  return filled;
}

/** `isMore`: keys of this pass are left. */
function fillBatch(db: Database): Promise<{ filled: number; isMore: boolean }> {
  return db.transaction().execute(async (tx) => {
    const now = await readServerTime(tx);
    const place = await lockFillPlace(tx, now);
    if (place === undefined || place.isResting) return { filled: 0, isMore: false };
    const batch = await fillMintedBy(tx, place.afterId, batchMax);
    await moveFillPlace(tx, batch);
    const isMore = batch.seen === batchMax;
    if (!isMore) {
      const from = idFloor('key', new Date(now.getTime() - overlapMs));
      await endFillPass(tx, { from, restsUntil: new Date(now.getTime() + restMs), now });
    }
    return { filled: batch.filled, isMore };
  });
}
