import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { placesOf, type Revokes, revokesKeys } from '../../domain/key-change.ts';
import type { Caller, VisibleScope } from '../../domain/principal.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { type Key, renewableMs } from '../../domain/user-key.ts';
import { type RevokedKey, revokeKeyLine } from '../../stores/postgres/user-keys/revoke-key.ts';
import { listRevocableKeys, lockUserKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, change, type OneStatement } from '../change.ts';
import { findVisibleKey } from './find-visible-key.ts';
import { endKeys, isAcceptable, type Revocation } from './revocation.ts';

/**
 * Revokes a key by id, with its predecessors in grace if it is active: they are the same
 * credential. 0 for a key that has ended; `KEY_NOT_FOUND` for one that never existed or is not
 * visible to the caller; an origin without rights to check sees all. The revoke of a key that waits
 * for its first use ends its whole line: the owner's keys in that environment. One statement
 * (migration 0033), since it has to be quick.
 */
export async function revokeKey(
  parts: ChangeParts,
  by: Caller | Origin,
  keyId: string,
  reason: RevocationReason = 'unspecified',
): Promise<Revocation> {
  const reach = 'principal' in by ? by.principal : everywhere;
  const revoke: OneStatement<{ revokedCount: number }> = {
    eventType: 'key.revoked',
    async run(db, authority) {
      const line = await revokeKeyLine(db, { keyId, reach, reason }, authority);
      if (line === 'unheld') return line;
      if (line === 'unseen') throw new FlowplateError('KEY_NOT_FOUND');
      const { keys, ...place } = line;
      const now = authority.origin.createdAt;
      const revokedCount = keys.filter((key) => key.revision !== null && isAcceptable(key, now)).length;
      return { answer: { revokedCount }, revokes: revokesLine(keys), place };
    },
  };
  try {
    const { answer, propagation } = await change(parts, { by }, revoke);
    return { ...answer, propagation };
  } catch (error) {
    const waiting = isNotFound(error) ? await findVisibleKey(parts.db, reach, keyId) : undefined;
    if (waiting === undefined) throw error;
    return revokeLineOf(parts, by, reach, waiting, reason);
  }
}

/** More than an owner has that are not revoked, in one transaction (revoke-keys.ts). */
const keysMax = 500;

/** Ends the owner's keys, also when the waiting one has become active meanwhile. */
async function revokeLineOf(
  parts: ChangeParts,
  by: Caller | Origin,
  { organizationIds, environments }: VisibleScope,
  { userId, organizationId, environment }: Key,
  reason: RevocationReason,
): Promise<Revocation> {
  const owners = { userId, organizationId, environment, organizationIds, environments };
  const { answer, propagation } = await change<{ revokedCount: number }>(parts, { by }, async (tx, now) => {
    await lockUserKeys(tx, userId);
    const keys = await listRevocableKeys(tx, owners, new Date(now.getTime() - renewableMs), keysMax);
    const audience = { places: [{ organizationId, environment }] };
    return endKeys(tx, keys, { audience, reason }, now);
  });
  return { ...answer, propagation };
}

function isNotFound(error: unknown): boolean {
  return error instanceof FlowplateError && error.code === 'KEY_NOT_FOUND';
}

const everywhere: VisibleScope = { organizationIds: null, environments: null };

function revokesLine(keys: readonly [RevokedKey, ...RevokedKey[]]): Revokes {
  const revoked = keys.flatMap((key) => (key.revision === null ? [] : [{ ...key, revision: key.revision }]));
  if (revoked.length > 0) return revokesKeys(revoked);
  return { alreadyTold: true, audience: { places: placesOf([keys[0]]) } };
}
