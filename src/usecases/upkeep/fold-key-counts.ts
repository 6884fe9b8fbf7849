import type { Database } from '../../stores/postgres/database.ts';
import { foldMintedKeyCounts } from '../../stores/postgres/user-keys/minted-key-counts.ts';

/** About 50 ms for the statement. */
const batchMax = 5_000;
const batchesMax = 20;

/** Folds what changed into the counts of keys by master key. Returns the number of changes. */
export async function foldKeyCounts({ db }: { db: Database }): Promise<number> {
  let folded = 0;
  for (let batch = 0; batch < batchesMax; batch++) {
    const taken = await foldMintedKeyCounts(db, batchMax);
    folded += taken;
    if (taken < batchMax) break;
  }
  return folded;
}
