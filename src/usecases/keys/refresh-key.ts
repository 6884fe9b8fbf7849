import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { type Key, statusAt } from '../../domain/key.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, isVisibleTo } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  findActiveKey,
  insertSuccessor,
  listSuperseded,
  lockUserKeys,
  revokeKeys,
  supersedeKey,
} from '../../stores/postgres/keys.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import { issueSecret, type MintedKey, type Owner, toMintedKey } from './issue-secret.ts';
import { keyEvent } from './key-events.ts';

export type RefreshRequest = Owner & { gracePeriodSeconds: number };

export type RefreshParts = ChangeParts & { keyring: Keyring };

/**
 * Gives the owner a new secret in place of the active one. Settings, usage and quota carry over. The old key dies at once, and with
 * it every predecessor in grace; with a grace it stays acceptable for so long, but never past its own expiry. Refreshes of
 * one user take their turns, so of two at once both succeed and the last key lives. `KEY_NOT_FOUND` when there is no active
 * key or the caller may not see it; `ORGANIZATION_SUSPENDED`.
 */
export async function refreshKey(
  parts: RefreshParts,
  caller: Caller,
  request: RefreshRequest,
  idempotency?: Idempotency,
): Promise<{ minted: MintedKey; propagation: Propagation; isReplay: boolean }> {
  const options = { by: caller, turn: request.userId, idempotency };
  const { answer, ...rest } = await change<{ minted: MintedKey }>(parts, options, async (tx, now) => {
    const old = await lockRefreshable(tx, caller, request, now);
    const { secret, key, digest } = issueSecret(parts, old, now);
    const ended = await endOld(tx, old, request.gracePeriodSeconds, now);
    await insertSuccessor(tx, key, digest);
    const details = { previous_key_id: old.id, grace_period_seconds: request.gracePeriodSeconds };
    return {
      answer: { minted: toMintedKey(secret, key) },
      events: [keyEvent('key.refreshed', key, details)],
      revokes: revokesKeys(ended),
    };
  });
  return { ...answer, ...rest };
}

async function lockRefreshable(tx: Tx, caller: Caller, owner: Owner, now: Date): Promise<Key> {
  await lockUserKeys(tx, owner.userId);
  const old = await findActiveKey(tx, owner);
  const isVisible = isVisibleTo(caller.principal, owner.organizationId, owner.environment);
  if (old === undefined || !isVisible || statusAt(old, now) !== 'active') {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  const organization = await findOrganization(tx, owner.organizationId);
  if (organization?.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  return old;
}

async function endOld(tx: Tx, old: Key, gracePeriodSeconds: number, now: Date): Promise<Key[]> {
  if (gracePeriodSeconds > 0) {
    const until = new Date(now.getTime() + gracePeriodSeconds * 1_000);
    return [{ ...old, revision: await supersedeKey(tx, { id: old.id, until, now }) }];
  }
  const inGrace = await listSuperseded(tx, old.lineageId);
  return revokeKeys(tx, [old.id, ...inGrace.map((key) => key.id)], now);
}
