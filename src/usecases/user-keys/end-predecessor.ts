import { type Key, predecessorsMax } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { revokeKeys, supersedeKey } from '../../stores/postgres/user-keys/user-keys.ts';

/** A key, and its predecessors in grace, the first to end first. */
export type Line = { old: Key; inGrace: readonly Key[] };

/** `crowdedOut`: predecessors whose grace ends early, since the line may have no more of them. */
export type EndedLine = { ended: Key[]; crowdedOut: Key[] };

/**
 * Ends a key that gets a successor: at once with all its predecessors in grace, or after a grace.
 * The caller holds `lockUserKeys`.
 */
export async function endPredecessor(
  tx: Tx,
  { old, inGrace }: Line,
  gracePeriodSeconds: number,
  now: Date,
): Promise<EndedLine> {
  if (gracePeriodSeconds === 0) {
    const reason = old.status === 'quarantined' ? 'key_compromise' : 'superseded';
    const ended = await revokeKeys(tx, [old.id], reason, now);
    const predecessors = inGrace.map(({ id }) => id);
    if (predecessors.length > 0) ended.push(...(await revokeKeys(tx, predecessors, 'superseded', now)));
    return { ended, crowdedOut: [] };
  }
  const until = new Date(now.getTime() + gracePeriodSeconds * 1_000);
  const revision = await supersedeKey(tx, { id: old.id, until, now });
  const tooMany = inGrace.slice(0, Math.max(0, inGrace.length + 1 - predecessorsMax)).map(({ id }) => id);
  const crowdedOut = tooMany.length === 0 ? [] : await revokeKeys(tx, tooMany, 'superseded', now);
  return { ended: [{ ...old, revision }], crowdedOut };
}
