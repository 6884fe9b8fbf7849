import { placesOf } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import { findKey, listSuperseded, lockUserKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { findVisibleKey } from './find-visible-key.ts';
import { endKeys, type Revocation } from './revocation.ts';

/**
 * Revokes a key by id, with its predecessors in grace if it is active: they are the same
 * credential. 0 for a key that has ended; `KEY_NOT_FOUND` for one that never existed or is not
 * visible to the caller.
 */
export async function revokeKey(parts: ChangeParts, caller: Caller, keyId: string): Promise<Revocation> {
  const { answer, propagation } = await change(parts, { by: caller }, async (tx, now) => {
    const owner = await findVisibleKey(tx, caller.principal, keyId);
    await lockUserKeys(tx, owner.userId);
    const key = (await findKey(tx, keyId)) ?? owner;
    const predecessors = key.status === 'active' ? await listSuperseded(tx, key.lineageId) : [];
    return endKeys(tx, [key, ...predecessors], { places: placesOf([key]) }, now);
  });
  return { ...answer, propagation };
}
