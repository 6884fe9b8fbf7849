import type { MintBounds } from './mint-bounds.ts';

/**
 * Settings of a master key that operators may change later. `keyAgeSecondsMax` bounds no mint and
 * refuses nothing: a key that is older is due for a refresh. Null is not set.
 */
export type MasterKeySettings = MintBounds & { keyAgeSecondsMax: number | null };

export const unsetMasterKeySettings: MasterKeySettings = {
  mintQuota: null,
  livingKeysMax: null,
  keyAgeSecondsMax: null,
};
