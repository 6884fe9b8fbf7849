import type { Db } from '../../stores/postgres/database.ts';
import { isThereABreakGlassAccount } from '../../stores/postgres/platform-users/platform-users.ts';

/** Whether somebody gets in while the identity provider is away, because they were meant to. */
export function isBreakGlassReady({ db }: { db: Db }): Promise<boolean> {
  return isThereABreakGlassAccount(db);
}
