import { systemOrigin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { applyPolicy, type OrganizationPolicy } from '../../domain/organization-policy.ts';
import { type Caller, isMasterKey, isVisibleTo } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { isRenewable, type Key, predecessorsMax, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { holdLivingRoom } from '../../stores/postgres/master-keys/mint-bounds.ts';
import { lockHome } from '../../stores/postgres/organizations/environments.ts';
import { isRefreshOfStopped } from '../../stores/postgres/user-keys/key-stops.ts';
import {
  expireKey,
  insertSuccessor,
  isPlaceTaken,
  lockLastLine,
  revokeKeys,
  supersedeKey,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { boundReached } from './bound-reached.ts';
import { issueSecret, type MintedKey, type Owner, toMintedKey } from './issue-secret.ts';
import { keyEvent, keyRevokedEvent } from './key-events.ts';
import { turnOf } from './turn-of.ts';

/** `newEnd`: expiry of the successor; the predecessor's expiry unless set. */
export type RefreshRequest = Owner & { gracePeriodSeconds: number; newEnd?: Date | undefined };

export type RefreshParts = ChangeParts & { keyring: Keyring };

export type Refreshed = { minted: MintedKey; propagation: Propagation; isReplay: boolean };

/** Rounds: a mint replaced an expired key, and the next round refreshes the minted one. */
const roundsMax = 4;

/**
 * Gives the owner a new secret in place of the active one. Settings, usage and quota carry over; a
 * new end may be given. The old key dies at once, and with it every predecessor in grace; with a
 * grace it stays acceptable for so long, but never past its own expiry; of more than 30 in grace
 * the first to end goes at once. With a new end a key that expired at most 30 days ago is renewed
 * the same way, without grace. A quarantined key is replaced too, and ended at once: its secret is
 * known to others, and the new one is not. Refreshes of one user take their turns, so of two at
 * once both succeed and the last key lives. `KEY_NOT_FOUND` when there is no such key, its
 * environment was deleted or the caller may not see it; `ORGANIZATION_SUSPENDED`;
 * `MINT_QUOTA_EXCEEDED` when a renewal is beyond the living keys that the master key may have;
 * `VALIDATION_ERROR` when the new key would break the organization's policy, and the old one goes
 * on.
 */
export async function refreshKey(
  parts: RefreshParts,
  caller: Caller,
  request: RefreshRequest,
  idempotency?: Idempotency,
): Promise<Refreshed> {
  for (let round = 1; ; round++) {
    try {
      return await refreshOnce(parts, caller, request, idempotency);
    } catch (error) {
      if (isRefreshOfStopped(error)) throw new FlowplateError('KEY_NOT_FOUND', { cause: error });
      if (!isPlaceTaken(error)) throw error;
      if (round >= roundsMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1, cause: error });
    }
  }
}

async function refreshOnce(
  parts: RefreshParts,
  caller: Caller,
  request: RefreshRequest,
  idempotency: Idempotency | undefined,
): Promise<Refreshed> {
  const options = { by: caller, turn: turnOf(caller, request), idempotency };
  const { answer, ...rest } = await change<{ minted: MintedKey }>(parts, options, async (tx, now) => {
    const { newEnd } = request;
    requireFuture(newEnd, now);
    const { old, inGrace, policy } = await lockRefreshable(tx, caller, request, now);
    if (statusAt(old, now) === 'expired') await requireRoom(tx, caller);
    const settings = applyPolicy(policy, { ...old, expiresAt: newEnd ?? old.expiresAt }, now);
    const { secret, key, digest } = issueSecret(parts, caller.principal, settings, now);
    const isExpired = statusAt(old, now) === 'expired';
    const isLeaked = statusAt(old, now) === 'quarantined';
    const wasUnswept = isExpired && (await expireKey(tx, old.id, now));
    const gracePeriodSeconds = isExpired || isLeaked ? 0 : request.gracePeriodSeconds;
    const { ended, crowdedOut } = await endOld(tx, { old, inGrace }, gracePeriodSeconds, now);
    await insertSuccessor(tx, key, digest);
    const details = {
      previous_key_id: old.id,
      grace_period_seconds: gracePeriodSeconds,
      ...(key.expiresAt !== old.expiresAt && { expires_at: key.expiresAt?.toISOString() }),
    };
    return {
      answer: { minted: toMintedKey(secret, key) },
      events: [
        ...(wasUnswept ? [{ ...keyEvent('key.expired', old), origin: systemOrigin }] : []),
        keyEvent('key.refreshed', key, details),
        ...crowdedOut.map((key) => keyRevokedEvent(key, 'superseded')),
      ],
      revokes: revokesKeys([...ended, ...crowdedOut]),
    };
  });
  return { ...answer, ...rest };
}

/**
 * A renewal brings an expired key back to life, so it needs room under `living_keys_max`. Another
 * refresh does not. Locked before the rows of keys, in the order of a mint.
 */
async function requireRoom(tx: Tx, { principal }: Caller): Promise<void> {
  const room = isMasterKey(principal) ? await holdLivingRoom(tx, principal.id) : undefined;
  if (room === undefined || room.livingMax === null || room.living === null) return;
  if (room.living >= room.livingMax)
    throw boundReached({ reached: 'living_keys_max', limit: room.livingMax });
}

/** A key, and its predecessors in grace, the first to end first. */
type Line = { old: Key; inGrace: readonly Key[] };

async function lockRefreshable(
  tx: Tx,
  caller: Caller,
  request: RefreshRequest,
  now: Date,
): Promise<Line & { policy: OrganizationPolicy | null }> {
  // Before the lock, which other organizations of the user wait for.
  if (!isVisibleTo(caller.principal, request.organizationId, request.environment)) {
    throw new FlowplateError('KEY_NOT_FOUND');
  }
  const isRenewal = request.newEnd !== undefined;
  const { last: old, inGrace } = await lockLastLine(tx, request, { withExpired: isRenewal });
  if (old === undefined || !isRefreshable(old, isRenewal, now)) throw new FlowplateError('KEY_NOT_FOUND');
  const { status, policy, hasEnvironment } = await lockHome(tx, old.organizationId, old.environment);
  if (status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  // An environment with only expired keys can be deleted; a renewal would bring one back to life
  // in it.
  if (!hasEnvironment) throw new FlowplateError('KEY_NOT_FOUND');
  return { old, inGrace, policy };
}

/** Whether it is active or quarantined, or with a new end expired recently, swept or not. */
function isRefreshable(key: Key, isRenewal: boolean, now: Date): boolean {
  const status = statusAt(key, now);
  return status === 'active' || status === 'quarantined' || (isRenewal && isRenewable(key, now));
}

/** `crowdedOut`: predecessors whose grace ends early, since the line may have no more of them. */
type EndedLine = { ended: Key[]; crowdedOut: Key[] };

async function endOld(
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
