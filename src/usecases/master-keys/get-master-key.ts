import type { Clock } from '../../domain/clock.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { type MasterKeyView, viewOf } from './master-key-view.ts';

/**
 * One master key, also an ended one; never its secret. `MASTER_KEY_NOT_FOUND` when there never was
 * one.
 */
export function getMasterKey(parts: { db: Db; clock: Clock }, id: string): Promise<MasterKeyView> {
  return viewOf(parts, id);
}
