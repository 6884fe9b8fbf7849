import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type Key, statusAt } from '../../domain/key.ts';
import { type Caller, isVisibleTo, originOf } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import { listKeys, listUnendedKeys, lockUserKeys, revokeKeys } from '../../stores/postgres/keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { keyChange, keyEvent } from './key-events.ts';

export type RevokeParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  propagation: PropagationWatch;
};

export type Revocation = { revokedCount: number; propagation: Propagation };

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
  const { revoked, changeSeq } = await parts.db.transaction().execute(async (tx) => {
    await lockUserKeys(tx, target.userId);
    const unended = (await listUnendedKeys(tx, target)).filter((key) =>
      isVisibleTo(caller.principal, key.organizationId, key.environment),
    );
    if (unended.length === 0 && !(await hasEverExisted(tx, caller, target, parts.clock.now()))) {
      throw new FlowplateError(target.organizationId === undefined ? 'USER_NOT_FOUND' : 'KEY_NOT_FOUND');
    }
    return revokeInTx(parts, tx, caller, unended);
  });
  return { revokedCount: revoked, propagation: await parts.propagation.wait(changeSeq) };
}

/** The part of every revoke that lies inside the transaction; `revoke-key.ts` shares it. */
export async function revokeInTx(
  parts: Pick<RevokeParts, 'clock' | 'randomBytes'>,
  tx: Tx,
  caller: Caller,
  keys: readonly Key[],
): Promise<{ revoked: number; changeSeq: number | undefined }> {
  const now = parts.clock.now();
  const alive = keys.filter((key) => ['active', 'superseded'].includes(statusAt(key, now)));
  if (alive.length === 0) return { revoked: 0, changeSeq: undefined };
  const revoked = await revokeKeys(
    tx,
    alive.map((key) => key.id),
    now,
  );
  const at = { now, randomBytes: parts.randomBytes };
  await insertAuditEvents(
    tx,
    revoked.map((key) => keyEvent(at, originOf(caller), 'key.revoked', key)),
  );
  return { revoked: revoked.length, changeSeq: await appendKeyChanges(tx, revoked.map(keyChange)) };
}

async function hasEverExisted(tx: Tx, caller: Caller, target: RevokeTarget, now: Date): Promise<boolean> {
  const { organizationIds, environments } = caller.principal;
  return (await listKeys(tx, { ...target, organizationIds, environments, now }, 1)).length > 0;
}
