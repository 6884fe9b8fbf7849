import { type AuditEvent, systemOrigin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { isRenewable, type Key, statusAt } from '../../domain/key.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, isVisibleTo, originOf } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges, type KeyChange } from '../../stores/postgres/key-changes.ts';
import {
  expireKey,
  findActiveKey,
  findLastKey,
  insertSuccessor,
  isPlaceTaken,
  listSuperseded,
  lockUserKeys,
  revokeKeys,
  supersedeKey,
} from '../../stores/postgres/keys.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { type KeepAnswer, replayable } from '../replay.ts';
import { issueSecret, type MintedKey, type Owner, requireFuture, toMintedKey } from './issue-secret.ts';
import { keyChange, keyEvent } from './key-events.ts';

/** `newEnd`: when the successor ends; the end of its predecessor unless set. */
export type RefreshRequest = Owner & { gracePeriodSeconds: number; newEnd?: Date | undefined };

export type RefreshParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  keyring: Keyring;
  propagation: PropagationWatch;
  turns: Turns;
};

type Refreshed = { minted: MintedKey; changeSeq: number | undefined };

/**
 * A mint took the place of an expired key: the next round refreshes what it minted. More rounds
 * mean that others keep doing so.
 */
const roundsMax = 4;

/**
 * Gives the owner a new secret in place of the active one. Settings, usage and quota carry over; a
 * new end may be given. The old key dies at once, and with it every predecessor in grace; with a
 * grace it stays acceptable for so long, but never past its own expiry. With a new end a key that
 * expired at most 30 days ago is renewed the same way, without grace. Refreshes of one user take
 * their turns, so of two at once both succeed and the last key lives. `KEY_NOT_FOUND` when there is
 * no such key or the caller may not see it; `ORGANIZATION_SUSPENDED`.
 */
export async function refreshKey(
  parts: RefreshParts,
  caller: Caller,
  request: RefreshRequest,
  idempotency?: Idempotency,
): Promise<{ minted: MintedKey; propagation: Propagation; isReplay: boolean }> {
  const now = parts.clock.now();
  const { answer, isReplay } = await replayable<Refreshed>({ ...parts, now }, idempotency, (keep) => {
    requireFuture(request.newEnd, now);
    return parts.turns.run(request.userId, () => refreshInRounds(parts, caller, request, { now, keep }));
  });
  const propagation = await parts.propagation.wait(answer.changeSeq);
  return { minted: answer.minted, propagation, isReplay };
}

type Round = { now: Date; keep: KeepAnswer<Refreshed> };

async function refreshInRounds(
  parts: RefreshParts,
  caller: Caller,
  request: RefreshRequest,
  round: Round,
): Promise<Refreshed> {
  for (let rounds = 1; ; rounds++) {
    try {
      return await parts.db.transaction().execute((tx) => refreshInTx(parts, tx, caller, request, round));
    } catch (error) {
      if (!isPlaceTaken(error)) throw error;
      if (rounds >= roundsMax) throw new FlowplateError('OVERLOADED', { retryAfterSeconds: 1, cause: error });
    }
  }
}

async function refreshInTx(
  parts: RefreshParts,
  tx: Tx,
  caller: Caller,
  request: RefreshRequest,
  { now, keep }: Round,
): Promise<Refreshed> {
  const { newEnd } = request;
  const old = await lockRefreshable(tx, caller, request, now);
  const { secret, key, digest } = issueSecret(parts, { ...old, expiresAt: newEnd ?? old.expiresAt }, now);
  const isExpired = statusAt(old, now) === 'expired';
  const gracePeriodSeconds = isExpired ? 0 : request.gracePeriodSeconds;
  const at = { now, randomBytes: parts.randomBytes };
  const events: AuditEvent[] = [];
  if (isExpired && (await expireKey(tx, old.id, now)))
    events.push(keyEvent(at, systemOrigin, 'key.expired', old));
  const changes = await endOld(tx, old, gracePeriodSeconds, now);
  await insertSuccessor(tx, key, digest);
  const details = {
    previous_key_id: old.id,
    grace_period_seconds: gracePeriodSeconds,
    ...(newEnd !== undefined && { expires_at: newEnd.toISOString() }),
  };
  events.push(keyEvent(at, originOf(caller), 'key.refreshed', key, details));
  await insertAuditEvents(tx, events);
  const refreshed = { minted: toMintedKey(secret, key), changeSeq: await appendKeyChanges(tx, changes) };
  await keep(tx, refreshed);
  return refreshed;
}

async function lockRefreshable(tx: Tx, caller: Caller, request: RefreshRequest, now: Date): Promise<Key> {
  await lockUserKeys(tx, request.userId);
  const old = await findRefreshable(tx, request, now);
  const isVisible = isVisibleTo(caller.principal, request.organizationId, request.environment);
  if (old === undefined || !isVisible) throw new FlowplateError('KEY_NOT_FOUND');
  const organization = await findOrganization(tx, request.organizationId);
  if (organization?.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  return old;
}

/**
 * The active key; without one, and with a new end, the one that expired not too long ago, swept or
 * not.
 */
async function findRefreshable(tx: Tx, request: RefreshRequest, now: Date): Promise<Key | undefined> {
  const isRenewal = request.newEnd !== undefined;
  const found = await (isRenewal ? findLastKey(tx, request) : findActiveKey(tx, request));
  if (found === undefined || statusAt(found, now) === 'active') return found;
  return isRenewal && isRenewable(found, now) ? found : undefined;
}

async function endOld(tx: Tx, old: Key, gracePeriodSeconds: number, now: Date): Promise<KeyChange[]> {
  if (gracePeriodSeconds > 0) {
    const until = new Date(now.getTime() + gracePeriodSeconds * 1_000);
    return [keyChange({ id: old.id, revision: await supersedeKey(tx, { id: old.id, until, now }) })];
  }
  const inGrace = await listSuperseded(tx, old.lineageId);
  const revoked = await revokeKeys(tx, [old.id, ...inGrace.map((key) => key.id)], now);
  return revoked.map(keyChange);
}
