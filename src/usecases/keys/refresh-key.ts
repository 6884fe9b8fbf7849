import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { type Key, statusAt } from '../../domain/key.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, isVisibleTo, originOf } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges, type KeyChange } from '../../stores/postgres/key-changes.ts';
import {
  findActiveKey,
  insertSuccessor,
  listSuperseded,
  lockUserKeys,
  revokeKeys,
  supersedeKey,
} from '../../stores/postgres/keys.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { replayable } from '../replay.ts';
import { issueSecret, type MintedKey, type Owner, toMintedKey } from './issue-secret.ts';
import { keyChange, keyEvent } from './key-events.ts';

export type RefreshRequest = Owner & { gracePeriodSeconds: number };

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
  const now = parts.clock.now();
  const { answer, isReplay } = await replayable<Refreshed>({ ...parts, now }, idempotency, (keep) =>
    parts.turns.run(request.userId, () =>
      parts.db.transaction().execute(async (tx) => {
        const old = await lockRefreshable(tx, caller, request, now);
        const { secret, key, digest } = issueSecret(parts, old, now);
        const changes = await endOld(tx, old, request.gracePeriodSeconds, now);
        await insertSuccessor(tx, key, digest);
        const event = keyEvent(
          { now, randomBytes: parts.randomBytes },
          originOf(caller),
          'key.refreshed',
          key,
          {
            previous_key_id: old.id,
            grace_period_seconds: request.gracePeriodSeconds,
          },
        );
        await insertAuditEvents(tx, [event]);
        const refreshed = {
          minted: toMintedKey(secret, key),
          changeSeq: await appendKeyChanges(tx, changes),
        };
        await keep(tx, refreshed);
        return refreshed;
      }),
    ),
  );
  const propagation = await parts.propagation.wait(answer.changeSeq);
  return { minted: answer.minted, propagation, isReplay };
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

async function endOld(tx: Tx, old: Key, gracePeriodSeconds: number, now: Date): Promise<KeyChange[]> {
  if (gracePeriodSeconds > 0) {
    const until = new Date(now.getTime() + gracePeriodSeconds * 1_000);
    return [keyChange({ id: old.id, revision: await supersedeKey(tx, { id: old.id, until, now }) })];
  }
  const inGrace = await listSuperseded(tx, old.lineageId);
  const revoked = await revokeKeys(tx, [old.id, ...inGrace.map((key) => key.id)], now);
  return revoked.map(keyChange);
}
