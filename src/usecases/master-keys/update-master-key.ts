import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { isUsable } from '../../domain/master-key.ts';
import type { MintBounds } from '../../domain/mint-bounds.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findMasterKey, lockMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { findMintBounds, saveKeyAge, saveMintBounds } from '../../stores/postgres/master-keys/mint-bounds.ts';
import { type ChangeParts, change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { type MasterKeyView, viewOf } from './master-key-view.ts';

/**
 * Changes the bounds of a master key; those that are not named stay. The next mint obeys, since
 * each reads them in its own statement. `MASTER_KEY_NOT_FOUND` when there is none, or it has ended;
 * `STEP_UP_REQUIRED`.
 */
export async function updateMasterKey(
  parts: ChangeParts,
  by: Caller<PlatformPrincipal> | Origin,
  masterKeyId: string,
  changed: Partial<MintBounds>,
): Promise<MasterKeyView> {
  await change(parts, { by }, async (tx, now) => {
    // Two changes at once would each keep the other's old value.
    await lockMasterKeys(tx);
    const found = await findMasterKey(tx, masterKeyId);
    if (found === undefined || !isUsable(found, now.getTime()))
      throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    await requireConfirmed(tx, by, now);
    const bounds = { ...(await findMintBounds(tx, masterKeyId)), ...changed };
    await saveMintBounds(tx, masterKeyId, bounds);
    await saveKeyAge(tx, masterKeyId, bounds.keyAgeSecondsMax);
    const details = {
      mint_quota: bounds.mintQuota,
      living_keys_max: bounds.livingKeysMax,
      key_age_seconds_max: bounds.keyAgeSecondsMax,
    };
    return {
      answer: {},
      events: [{ eventType: 'master_key.updated', organizationId: null, targetId: masterKeyId, details }],
      revokes: revokesNothing,
    };
  });
  return viewOf(parts, masterKeyId);
}
