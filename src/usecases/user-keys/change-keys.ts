import type { BulkAction } from '../../domain/bulk-order.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import type { Key } from '../../domain/user-key.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  changeKeys as change,
  listChangeable,
  lockUsersOfKeys,
} from '../../stores/postgres/user-keys/change-keys.ts';
import type { KeyFilter } from '../../stores/postgres/user-keys/user-keys.ts';
import type { Decision, EventDraft } from '../change.ts';
import { keyEvent, keyRevokedEvent } from './key-events.ts';

/** Keys per transaction: a tenth of the statement time-out on a slow machine. */
export const keysPerChange = 500;

/** A change of some keys of an order. `filter` is asked again under the lock of their users. */
export type KeysOfOrder = {
  orderId: string;
  action: BulkAction;
  filter: KeyFilter;
  reason: RevocationReason;
  ids: readonly string[];
};

/**
 * Revokes, disables or enables at most 500 keys with their predecessors in grace, each with its
 * audit event and its entry in the feed. Keys that meanwhile left the filter are left alone.
 */
export async function changeKeys(
  tx: Tx,
  { orderId, action, filter, reason, ids }: KeysOfOrder,
  now: Date,
): Promise<Decision<{ affected: number }>> {
  await lockUsersOfKeys(tx, ids);
  const changed = await change(tx, await listChangeable(tx, filter, ids), { action, reason, now });
  const toEvent = (key: Key): EventDraft =>
    action === 'revoke'
      ? keyRevokedEvent(key, reason, { order_id: orderId })
      : keyEvent('key.updated', key, {
          changed: ['enabled'],
          enabled: key.enabled,
          reason,
          order_id: orderId,
        });
  return {
    answer: { affected: changed.length },
    events: changed.map(toEvent),
    // An order that is repeated finds nothing left to change: what it did may be on its way still.
    revokes: changed.length > 0 ? revokesKeys(changed) : { alreadyTold: true, audience: 'everybody' },
  };
}
