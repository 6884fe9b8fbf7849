import type { Origin } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { isUsable } from '../../domain/master-key.ts';
import type { MasterKeySettings } from '../../domain/master-key-settings.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { findMasterKey, lockMasterKeys } from '../../stores/postgres/master-keys/master-keys.ts';
import { findMasterKeySettings, saveMasterKeySettings } from '../../stores/postgres/master-keys/settings.ts';
import { type ChangeParts, change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { type MasterKeyView, viewOf } from './master-key-view.ts';

/**
 * Changes the settings of a master key; those that are not named stay. The next mint obeys, since
 * each reads them in its own statement. `MASTER_KEY_NOT_FOUND` when there is none, or it has ended;
 * `STEP_UP_REQUIRED`.
 */
export async function updateMasterKey(
  parts: ChangeParts,
  by: Caller<PlatformPrincipal> | Origin,
  masterKeyId: string,
  changed: Partial<MasterKeySettings>,
): Promise<MasterKeyView> {
  await change(parts, { by }, async (tx, now) => {
    // Two changes at once would each keep the other's old value.
    await lockMasterKeys(tx);
    const found = await findMasterKey(tx, masterKeyId);
    if (found === undefined || !isUsable(found, now.getTime()))
      throw new FlowplateError('MASTER_KEY_NOT_FOUND');
    await requireConfirmed(tx, by, now);
    const settings = { ...(await findMasterKeySettings(tx, masterKeyId)), ...changed };
    await saveMasterKeySettings(tx, masterKeyId, settings);
    const details = {
      mint_quota: settings.mintQuota,
      living_keys_max: settings.livingKeysMax,
      key_age_seconds_max: settings.keyAgeSecondsMax,
    };
    return {
      answer: {},
      events: [{ eventType: 'master_key.updated', organizationId: null, targetId: masterKeyId, details }],
      revokes: revokesNothing,
    };
  });
  return viewOf(parts, masterKeyId);
}
