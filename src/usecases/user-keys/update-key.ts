import { FlowplateError } from '../../domain/errors.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import { isWaiting } from '../../domain/key-record.ts';
import { requirePolicy } from '../../domain/organization-policy.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { type Key, type KeySettings, statusAt } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findPolicy } from '../../stores/postgres/organizations/policies.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import {
  endKeyBy,
  findKey,
  lockUserKeys,
  updateLineageSettings,
} from '../../stores/postgres/user-keys/user-keys.ts';
import { setWaitingEnd } from '../../stores/postgres/user-keys/waiting-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { findVisibleKey } from './find-visible-key.ts';
import { keyEvent } from './key-events.ts';
import type { KeyWithUsage } from './key-with-usage.ts';

/**
 * Changes settings of an active key and of its predecessors in grace: a line of keys is one
 * credential. A key that waits for its first use takes them over then; a new end counts for it, and
 * for the present key only until its own last day. `KEY_NOT_FOUND` when no such key is visible;
 * `KEY_NOT_ACTIVE` when it has ended, has a successor, or waits for its first use;
 * `VALIDATION_ERROR` when the changed key would break the organization's policy. `mergeInto` adds
 * changes that depend on the current settings. It is called under the lock, so that no change at
 * the same time is lost.
 */
export async function updateKey(
  parts: ChangeParts,
  caller: Caller,
  keyId: string,
  replaced: Partial<KeySettings>,
  mergeInto: (current: KeySettings) => Partial<KeySettings> = () => ({}),
): Promise<KeyWithUsage & { propagation: Propagation }> {
  requireFuture(replaced.expiresAt, parts.clock.now());
  const { answer, propagation } = await change<{ key: Key }>(parts, { by: caller }, async (tx, now) => {
    const found = await findVisibleKey(tx, caller.principal, keyId);
    await lockUserKeys(tx, found.userId);
    const current = (await findKey(tx, keyId)) ?? found;
    const status = isWaiting(current) ? 'waiting' : statusAt(current, now);
    if (status !== 'active') throw new FlowplateError('KEY_NOT_ACTIVE', { details: { status } });
    const changes = { ...replaced, ...mergeInto(current) };
    const changed = { ...current, ...changes };
    if (!onlyDisables(changes)) await requirePolicyOf(tx, changed);
    const line = await updateLineageSettings(tx, current.lineageId, changed, now);
    const until = 'expiresAt' in changes ? await setWaitingEnd(tx, keyId, changed.expiresAt) : undefined;
    const bounded = until && (await endKeyBy(tx, { id: keyId, until, now }));
    const ofLine = line.map((member) => (member.id === bounded?.id ? bounded : member));
    return {
      answer: { key: ofLine.find((member) => member.id === keyId) ?? current },
      events: [keyEvent('key.updated', current, { changed: Object.keys(changes) })],
      revokes: revokesKeys(ofLine),
    };
  });
  const { key } = answer;
  const totals = await listUsageTotals(parts.db, [key.lineageId], parts.clock.now());
  return { key, usage: totals.get(key.lineageId), propagation };
}

/** A switch that stops a key works whatever the policy says. */
function onlyDisables(changes: Partial<KeySettings>): boolean {
  return changes.enabled === false && Object.keys(changes).length === 1;
}

async function requirePolicyOf(tx: Tx, key: Key): Promise<void> {
  const organization = await findPolicy(tx, key.organizationId);
  requirePolicy(organization?.policy ?? null, key, key.createdAt);
}
