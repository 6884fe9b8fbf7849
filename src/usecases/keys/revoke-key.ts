import { FlowplateError } from '../../domain/errors.ts';
import { type Caller, isVisibleTo } from '../../domain/principal.ts';
import { findKey, listSuperseded, lockUserKeys } from '../../stores/postgres/keys.ts';
import { type Revocation, type RevokeParts, revokeInTx } from './revocation.ts';

/**
 * Revokes one key by its id, and with an active key its predecessors in grace: they open the same doors. 0 for one that has
 * ended already, `KEY_NOT_FOUND` for one that never existed or that the caller may not see.
 */
export async function revokeKey(parts: RevokeParts, caller: Caller, keyId: string): Promise<Revocation> {
  const { revoked, changeSeq } = await parts.db.transaction().execute(async (tx) => {
    const owner = await findKey(tx, keyId);
    if (owner === undefined || !isVisibleTo(caller.principal, owner.organizationId, owner.environment)) {
      throw new FlowplateError('KEY_NOT_FOUND');
    }
    await lockUserKeys(tx, owner.userId);
    const key = (await findKey(tx, keyId)) ?? owner;
    const predecessors = key.status === 'active' ? await listSuperseded(tx, key.lineageId) : [];
    return revokeInTx(parts, tx, caller, [key, ...predecessors]);
  });
  return { revokedCount: revoked, propagation: await parts.propagation.wait(changeSeq) };
}
