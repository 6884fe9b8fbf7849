import { FlowplateError } from '../../domain/errors.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { ReleaseReason } from '../../domain/release-reason.ts';
import { type Key, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import { endStoppedKeysOf } from '../../stores/postgres/user-keys/key-stops.ts';
import { hasEarlierVerifier, releaseKey as release } from '../../stores/postgres/user-keys/quarantine.ts';
import {
  findActiveKey,
  findKey,
  isPlaceTaken,
  lockUserKeys,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { findVisibleKey } from './find-visible-key.ts';
import { keyEvent } from './key-events.ts';
import type { KeyWithUsage } from './key-with-usage.ts';

/**
 * Ends the quarantine of a key within its hour: the key is what it was before. `KEY_NOT_FOUND`;
 * `KEY_NOT_QUARANTINED` with its status, also after the hour; `KEY_ALREADY_EXISTS` when its owner
 * was minted another key meanwhile; `DEPENDENCY_UNAVAILABLE` while an API process of the release
 * before runs beside, whose revokes would not be seen.
 */
export async function releaseKey(
  parts: ChangeParts,
  caller: Caller,
  keyId: string,
  reason: ReleaseReason = 'unspecified',
): Promise<KeyWithUsage & { propagation: Propagation }> {
  const { answer, propagation } = await changeOrConflict(parts, caller, keyId, reason);
  const { key } = answer;
  const totals = await listUsageTotals(parts.db, [key.lineageId], parts.clock.now());
  return { key, usage: totals.get(key.lineageId), propagation };
}

async function changeOrConflict(parts: ChangeParts, caller: Caller, keyId: string, reason: ReleaseReason) {
  try {
    return await change<{ key: Key }>(parts, { by: caller }, async (tx, now) => {
      const old = await lockQuarantined(tx, caller, keyId, now);
      const revision = await release(tx, keyId, now);
      if (revision === undefined) throw notQuarantined('revoked');
      const key = (await findKey(tx, keyId)) ?? old;
      return {
        answer: { key },
        events: [keyEvent('key.released', key, { reason })],
        revokes: revokesKeys([key]),
      };
    });
  } catch (error) {
    if (!isPlaceTaken(error)) throw error;
    const key = await findVisibleKey(parts.db, caller.principal, keyId);
    const active = await findActiveKey(parts.db, key);
    throw new FlowplateError('KEY_ALREADY_EXISTS', { cause: error, details: { key_id: active?.id ?? null } });
  }
}

async function lockQuarantined(tx: Tx, caller: Caller, keyId: string, now: Date): Promise<Key> {
  const found = await findVisibleKey(tx, caller.principal, keyId);
  await lockUserKeys(tx, found.userId);
  await endStoppedKeysOf(tx, found);
  const key = (await findKey(tx, keyId)) ?? found;
  const status = statusAt(key, now);
  if (status !== 'quarantined') throw notQuarantined(status);
  if (!(await hasEarlierVerifier(tx))) return key;
  throw new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage: 'An API process of an earlier release is running: release the key after the upgrade',
  });
}

function notQuarantined(status: string): FlowplateError {
  return new FlowplateError('KEY_NOT_QUARANTINED', { details: { status } });
}
