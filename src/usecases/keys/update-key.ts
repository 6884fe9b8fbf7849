import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type KeySettings, statusAt } from '../../domain/key.ts';
import { type Caller, isVisibleTo, originOf } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import { findKey, lockUserKeys, updateLineageSettings } from '../../stores/postgres/keys.ts';
import type { Propagation, PropagationWatch } from '../../stores/postgres/propagation.ts';
import { listUsageTotals } from '../../stores/postgres/usage.ts';
import { requireFuture } from './issue-secret.ts';
import { keyChange, keyEvent } from './key-events.ts';
import type { KeyWithUsage } from './key-with-usage.ts';

export type UpdateParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  propagation: PropagationWatch;
};

/**
 * Changes settings of an active key and of its predecessors in grace: a line of keys is one credential. `KEY_NOT_FOUND` when it
 * never existed or may not be seen; `KEY_NOT_ACTIVE` when it has ended or has a successor, since nothing revives a key.
 */
export async function updateKey(
  parts: UpdateParts,
  caller: Caller,
  keyId: string,
  changes: Partial<KeySettings>,
): Promise<KeyWithUsage & { propagation: Propagation }> {
  const now = parts.clock.now();
  requireFuture(changes.expiresAt, now);
  const { key, changeSeq } = await parts.db.transaction().execute(async (tx) => {
    const found = await findKey(tx, keyId);
    if (found === undefined || !isVisibleTo(caller.principal, found.organizationId, found.environment)) {
      throw new FlowplateError('KEY_NOT_FOUND');
    }
    await lockUserKeys(tx, found.userId);
    const current = (await findKey(tx, keyId)) ?? found;
    const status = statusAt(current, now);
    if (status !== 'active') throw new FlowplateError('KEY_NOT_ACTIVE', { details: { status } });
    const line = await updateLineageSettings(tx, current.lineageId, { ...current, ...changes }, now);
    const event = keyEvent(
      { now, randomBytes: parts.randomBytes },
      originOf(caller),
      'key.updated',
      current,
      {
        changed: Object.keys(changes),
      },
    );
    await insertAuditEvents(tx, [event]);
    return {
      key: line.find((member) => member.id === keyId) ?? current,
      changeSeq: await appendKeyChanges(tx, line.map(keyChange)),
    };
  });
  const [propagation, totals] = await Promise.all([
    parts.propagation.wait(changeSeq),
    listUsageTotals(parts.db, [key.lineageId], now),
  ]);
  return { key, usage: totals.get(key.lineageId), propagation };
}
