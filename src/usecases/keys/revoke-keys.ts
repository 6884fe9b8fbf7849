import { FlowplateError } from '../../domain/errors.ts';
import { renewableMs } from '../../domain/key.ts';
import { type Caller, isVisibleTo } from '../../domain/principal.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { listKeys, listRevocableKeys, lockUserKeys } from '../../stores/postgres/keys.ts';
import { type Revocation, type RevokeParts, revokeInTx } from './revocation.ts';

/** Whose keys to revoke; what is undefined does not narrow. */
export type RevokeTarget = {
  userId: string;
  organizationId?: string | undefined;
  environment?: string | undefined;
};

/**
 * Revokes a user's keys, in one organization or in all, those in their grace included; keys outside the caller's allow-lists
 * are not there for it. Counts the keys that could still be accepted. Nothing to revoke is a success with 0, unless no such
 * key ever existed: then `KEY_NOT_FOUND`, or `USER_NOT_FOUND` when only a user was named.
 */
export async function revokeKeysOf(
  parts: RevokeParts,
  caller: Caller,
  target: RevokeTarget,
): Promise<Revocation> {
  const { revoked, changeSeq } = await parts.turns.run(target.userId, () =>
    parts.db.transaction().execute(async (tx) => {
      await lockUserKeys(tx, target.userId);
      const now = parts.clock.now();
      const found = await listRevocableKeys(tx, target, new Date(now.getTime() - renewableMs));
      const revocable = found.filter((key) =>
        isVisibleTo(caller.principal, key.organizationId, key.environment),
      );
      if (revocable.length === 0 && !(await hasEverExisted(tx, caller, target, now))) {
        throw new FlowplateError(target.organizationId === undefined ? 'USER_NOT_FOUND' : 'KEY_NOT_FOUND');
      }
      return revokeInTx(parts, tx, caller, revocable);
    }),
  );
  return { revokedCount: revoked, propagation: await parts.propagation.wait(changeSeq) };
}

async function hasEverExisted(tx: Tx, caller: Caller, target: RevokeTarget, now: Date): Promise<boolean> {
  const { organizationIds, environments } = caller.principal;
  return (await listKeys(tx, { ...target, organizationIds, environments, now }, 1)).length > 0;
}
