import { systemOrigin } from '../../domain/audit-event.ts';
import { revokesKeys, revokesNothing } from '../../domain/key-change.ts';
import { isRenewable, type Key, statusAt } from '../../domain/user-key.ts';
import { keyOfWaiting } from '../../domain/waiting-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { lockHome } from '../../stores/postgres/organizations/environments.ts';
import { isRefreshOfStopped } from '../../stores/postgres/user-keys/key-stops.ts';
import {
  expireKey,
  findKey,
  insertActivated,
  isPlaceTaken,
  lockLastLine,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { takeWaitingKey } from '../../stores/postgres/user-keys/waiting-keys.ts';
import { type ChangeParts, commitChange, type Decision } from '../change.ts';
import { endPredecessor } from './end-predecessor.ts';
import type { Owner } from './issue-secret.ts';
import { keyEvent, keyRevokedEvent } from './key-events.ts';

/** `masterKeyId`: the gateway that accepts the key; null for none. */
export type FirstUse = Owner & { keyId: string; masterKeyId: string | null };

/**
 * Makes a waiting key the active one, at its first accepted use, and begins the grace of its
 * predecessor: one transaction, under the lock of every change of this user's keys. True when the
 * key is active afterwards, also when another process was first. False when it may not be any more:
 * its line was revoked, stopped or refreshed again. Verifiers are told without a wait, for the
 * grace is longer than any lease.
 */
export async function activateKey(parts: ChangeParts, use: FirstUse): Promise<boolean> {
  try {
    const options = { by: systemOrigin, turn: `first uses of the keys of ${use.userId}` };
    const { answer, told } = await commitChange(parts, options, (tx, now) => activate(tx, use, now));
    parts.propagation.wait(told).catch(() => undefined);
    return answer.isActive;
  } catch (error) {
    // A stop, or the mint of another key where the one before had expired, has committed meanwhile.
    if (isRefreshOfStopped(error) || isPlaceTaken(error)) return false;
    throw error;
  }
}

async function activate(tx: Tx, use: FirstUse, now: Date): Promise<Decision<{ isActive: boolean }>> {
  const { last: old, inGrace } = await lockLastLine(tx, use, { withExpired: true });
  if (old === undefined || !mayBeReplaced(old, now)) return nothing(false);
  if (old.id === use.keyId) return nothing(statusAt(old, now) === 'active');
  const waiting = await takeWaitingKey(tx, use.keyId);
  // Another one may have activated this key, and a refresh has replaced it since.
  if (waiting === undefined || waiting.previousKeyId !== old.id)
    return nothing(await isInGrace(tx, use, now));
  const isExpired = statusAt(old, now) === 'expired';
  // As for a renewal: an environment with only expired keys can be deleted.
  if (isExpired && !(await lockHome(tx, old.organizationId, old.environment)).hasEnvironment)
    return nothing(false);
  const wasUnswept = isExpired && (await expireKey(tx, old.id, now));
  const graceSeconds = isExpired ? 0 : waiting.graceSeconds;
  const { ended, crowdedOut } = await endPredecessor(tx, { old, inGrace }, graceSeconds, now);
  const key = { ...keyOfWaiting(old, waiting), activatedAt: now, updatedAt: now, revision: 1 };
  await insertActivated(tx, key, waiting.digest);
  const details = {
    previous_key_id: old.id,
    grace_period_seconds: graceSeconds,
    master_key_id: use.masterKeyId,
  };
  return {
    answer: { isActive: true },
    events: [
      ...(wasUnswept ? [keyEvent('key.expired', old)] : []),
      keyEvent('key.activated', key, details),
      ...crowdedOut.map((crowded) => keyRevokedEvent(crowded, 'superseded')),
    ],
    revokes: revokesKeys([...ended, ...crowdedOut]),
  };
}

function mayBeReplaced(old: Key, now: Date): boolean {
  return statusAt(old, now) === 'active' || isRenewable(old, now);
}

async function isInGrace(tx: Tx, { keyId }: FirstUse, now: Date): Promise<boolean> {
  const key = await findKey(tx, keyId);
  return key !== undefined && statusAt(key, now) === 'superseded';
}

function nothing(isActive: boolean): Decision<{ isActive: boolean }> {
  return { answer: { isActive }, events: [], revokes: revokesNothing };
}
