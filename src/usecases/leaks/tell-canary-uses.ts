import { systemOrigin } from '../../domain/audit-event.ts';
import { type CanaryUse, canaryEventEveryMs } from '../../domain/canary-key.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { KeyDigest } from '../../domain/key-digest.ts';
import type { Database } from '../../stores/postgres/database.ts';
import {
  forgetPrunedCanaries,
  forgetUntoldUses,
  listUntoldCanaries,
  lockCanaryKey,
  rekeyCanary,
  setUntoldUses,
} from '../../stores/postgres/leaks/canary-keys.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { findKey } from '../../stores/postgres/user-keys/user-keys.ts';
import { commitAt } from '../change.ts';
import { keyEvent } from '../user-keys/key-events.ts';

type Parts = { db: Database; randomBytes: RandomBytes };

/** `current`: the digest of the presented secret under the current pepper. */
export type CanaryUses = { keyId: string; count: number; last: CanaryUse; current: KeyDigest };

/**
 * Writes uses of a canary key down, and the event `key.canary.used` for them: at most one a minute,
 * which counts those since the last one, over all processes. The event is in the transaction that
 * sets the count back, so no use is told twice. A canary that has ended or is disabled tells
 * nothing.
 */
export async function tellCanaryUses(
  parts: Parts,
  { keyId, count, last, current }: CanaryUses,
): Promise<void> {
  await tell(parts, keyId, { count, last, current });
}

/**
 * The events that were held back within a minute, when that is over. Run by the worker; idempotent.
 * Returns their number.
 */
export async function tellHeldBackUses(parts: Parts): Promise<number> {
  const now = await readServerTime(parts.db);
  const keyIds = await listUntoldCanaries(parts.db, new Date(now.getTime() - canaryEventEveryMs));
  for (const keyId of keyIds) await tell(parts, keyId, undefined);
  await forgetPrunedCanaries(parts.db);
  return keyIds.length;
}

async function tell(
  parts: Parts,
  keyId: string,
  added: Omit<CanaryUses, 'keyId'> | undefined,
): Promise<void> {
  const now = await readServerTime(parts.db);
  await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
    const none = { answer: {}, events: [], revokes: revokesNothing };
    const held = await lockCanaryKey(tx, keyId);
    if (held === undefined) {
      await forgetUntoldUses(tx, keyId);
      return none;
    }
    if (added !== undefined) await rekeyCanary(tx, keyId, added.current);
    const uses = held.uses + (added?.count ?? 0);
    const last = added?.last ?? held.last;
    if (uses === 0 || last === null) return none;
    if (held.toldAt !== null && held.toldAt.getTime() > now.getTime() - canaryEventEveryMs) {
      await setUntoldUses(tx, keyId, { uses, last, toldAt: held.toldAt });
      return none;
    }
    await setUntoldUses(tx, keyId, { uses: 0, last: null, toldAt: now });
    const key = await findKey(tx, keyId);
    if (key === undefined) return none;
    const { endpoint, ip, masterKeyId, requestId } = last;
    const used = keyEvent('key.canary.used', key, {
      count: uses,
      endpoint,
      ip,
      master_key_id: masterKeyId,
      request_id: requestId,
    });
    const origin = { ...systemOrigin, requestId };
    return { answer: {}, events: [{ ...used, origin }], revokes: revokesNothing };
  });
}
