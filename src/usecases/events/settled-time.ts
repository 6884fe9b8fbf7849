import type { Db } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';

/** Longer than a statement may take: a change that began before this time is visible. */
const settleMs = 60_000;

/**
 * The time that events of time go by: a minute ago, by the server's clock and by this process's
 * own. An event cannot be taken back, so a clock that was wrong for a moment must not decide it.
 */
export async function readSettledTime(db: Db): Promise<Date> {
  const serverTime = await readServerTime(db);
  return new Date(Math.min(serverTime.getTime(), Date.now()) - settleMs);
}
