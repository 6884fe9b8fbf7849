import { systemOrigin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesKeys, revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { applyPolicy, type OrganizationPolicy } from '../../domain/organization-policy.ts';
import { type Caller, isMasterKey, isVisibleTo } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { isRenewable, type Key, statusAt } from '../../domain/user-key.ts';
import { earlierEnd, type WaitingKey, waitingMs } from '../../domain/waiting-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { holdLivingRoom } from '../../stores/postgres/master-keys/mint-bounds.ts';
import { lockHome } from '../../stores/postgres/organizations/environments.ts';
import { isRefreshOfStopped } from '../../stores/postgres/user-keys/key-stops.ts';
import {
  endKeyBy,
  expireKey,
  insertSuccessor,
  isPlaceTaken,
  lockLastLine,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { insertWaitingKey, removeWaitingAfter } from '../../stores/postgres/user-keys/waiting-keys.ts';
import { type ChangeParts, change, type Decision } from '../change.ts';
import { boundReached } from './bound-reached.ts';
import { endPredecessor, type Line } from './end-predecessor.ts';
import { issueSecret, type MintedKey, type Owner, toMintedKey } from './issue-secret.ts';
import { keyEvent, keyRevokedEvent } from './key-events.ts';
import { turnOf } from './turn-of.ts';

/**
 * `newEnd`: expiry of the successor; the predecessor's expiry unless set. `activate`: when the
 * grace begins, and the successor takes the predecessor's place; immediately unless set.
 */
export type RefreshRequest = Owner & {
  gracePeriodSeconds: number;
  newEnd?: Date | undefined;
  activate?: 'immediately' | 'on_first_use';
};

/** Of a successor that waits. `previousUntil`: when the old key ends at the latest. */
export type Waiting = { previousKeyId: string; gracePeriodSeconds: number; previousUntil: string };

export type RefreshParts = ChangeParts & { keyring: Keyring };

type Answer = { minted: MintedKey; waiting?: Waiting };

export type Refreshed = Answer & { propagation: Propagation; isReplay: boolean };

/** Rounds: a mint replaced an expired key, and the next round refreshes the minted one. */
const roundsMax = 4;

/**
 * Gives the owner a new secret in place of the active one. Settings, usage and quota carry over; a
 * new end may be given. The old key dies at once, and with it every predecessor in grace; with a
 * grace it stays acceptable for so long, but never past its own expiry; of more than 30 in grace
 * the first to end goes at once. With a new end a key that expired at most 30 days ago is renewed
 * the same way, without grace. A quarantined key is replaced too, and ended at once: its secret is
 * known to others, and the new one is not. Refreshes of one user take their turns, so of two at
 * once both succeed and the last key lives.
 *
 * With `activate: "on_first_use"` the old key stays active, and the new one waits until it is first
 * accepted (`activateKey`). The old key then ends within 30 days in any case. Another refresh takes
 * the place of a key that waits. An expired or quarantined key has nothing to wait with: its
 * successor is active at once.
 *
 * `KEY_NOT_FOUND` when there is no such key, its environment was
 * deleted or the caller may not see it; `ORGANIZATION_SUSPENDED`; `MINT_QUOTA_EXCEEDED` when a
 * renewal is beyond the living keys that the master key may have; `VALIDATION_ERROR` when the new
 * key would break the organization's policy, and the old one goes on.
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
  const { answer, ...rest } = await change<Answer>(parts, options, async (tx, now) => {
    const { newEnd } = request;
    requireFuture(newEnd, now);
    const { old, inGrace, policy } = await lockRefreshable(tx, caller, request, now);
    const isExpired = statusAt(old, now) === 'expired';
    if (isExpired) await requireRoom(tx, caller);
    const waited = await removeWaitingAfter(tx, old.id);
    const lastEnd = waited === undefined ? old.expiresAt : waited.expiresAt;
    const settings = applyPolicy(policy, { ...old, expiresAt: newEnd ?? lastEnd }, now);
    const successor = { ...issueSecret(parts, caller.principal, settings, now), lastEnd };
    return request.activate === 'on_first_use' && statusAt(old, now) === 'active'
      ? letWait(tx, old, { ...successor, waited }, request.gracePeriodSeconds, now)
      : replace(tx, { old, inGrace }, successor, request.gracePeriodSeconds, now);
  });
  return { ...answer, ...rest };
}

/** `lastEnd`: the expiry that it would have without a new one. */
type Successor = ReturnType<typeof issueSecret> & { lastEnd: Date | null };

async function replace(
  tx: Tx,
  { old, inGrace }: Line,
  successor: Successor,
  wantedGraceSeconds: number,
  now: Date,
): Promise<Decision<Answer>> {
  const { secret, key, digest } = successor;
  const isExpired = statusAt(old, now) === 'expired';
  const wasUnswept = isExpired && (await expireKey(tx, old.id, now));
  const graceSeconds = statusAt(old, now) === 'active' ? wantedGraceSeconds : 0;
  const { ended, crowdedOut } = await endPredecessor(tx, { old, inGrace }, graceSeconds, now);
  await insertSuccessor(tx, key, digest);
  return {
    answer: { minted: toMintedKey(secret, key) },
    events: [
      ...(wasUnswept ? [{ ...keyEvent('key.expired', old), origin: systemOrigin }] : []),
      keyEvent('key.refreshed', key, refreshDetails(old, successor, graceSeconds)),
      ...crowdedOut.map((key) => keyRevokedEvent(key, 'superseded')),
    ],
    revokes: revokesKeys([...ended, ...crowdedOut]),
  };
}

/** `waited`: the key that waited until now, whose place this one takes. */
async function letWait(
  tx: Tx,
  old: Key,
  { waited, ...successor }: Successor & { waited: WaitingKey | undefined },
  graceSeconds: number,
  now: Date,
): Promise<Decision<Answer>> {
  const { secret, key, digest } = successor;
  // A refresh that is repeated again and again must not keep the old key alive.
  const previousUntil =
    waited?.previousUntil ?? earlierEnd(old.expiresAt, new Date(now.getTime() + waitingMs));
  const { id, keyPrefix, mintedBy, expiresAt, createdAt } = key;
  const previous = { previousKeyId: old.id, graceSeconds, previousUntil };
  await insertWaitingKey(tx, { id, keyPrefix, mintedBy, expiresAt, createdAt, digest, ...previous });
  const ended = await endKeyBy(tx, { id: old.id, until: previousUntil, now });
  const details = {
    ...refreshDetails(old, successor, graceSeconds),
    activate: 'on_first_use',
    ...(waited !== undefined && { replaced_key_id: waited.id }),
  };
  return {
    answer: {
      minted: toMintedKey(secret, key),
      waiting: {
        previousKeyId: old.id,
        gracePeriodSeconds: graceSeconds,
        previousUntil: previousUntil.toISOString(),
      },
    },
    events: [keyEvent('key.refreshed', key, details)],
    revokes: ended === undefined ? revokesNothing : revokesKeys([ended]),
  };
}

function refreshDetails(old: Key, { key, lastEnd }: Successor, graceSeconds: number) {
  return {
    previous_key_id: old.id,
    grace_period_seconds: graceSeconds,
    ...(key.expiresAt !== lastEnd && { expires_at: key.expiresAt?.toISOString() }),
  };
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
