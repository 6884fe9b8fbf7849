export const mintPeriods = ['minute', 'hour', 'day'] as const;

/** Calendar periods in UTC. */
export type MintPeriod = (typeof mintPeriods)[number];

export type MintQuota = { limit: number; period: MintPeriod };

/**
 * Bounds for what a master key may mint, so that a leaked one does bounded damage. Null is
 * unbounded. `livingKeysMax` counts active keys, disabled ones included; a key and its predecessors
 * in grace are one. `keyAgeSecondsMax` refuses nothing: an older key is due for a refresh.
 */
export type MintBounds = {
  mintQuota: MintQuota | null;
  livingKeysMax: number | null;
  keyAgeSecondsMax: number | null;
};

export const unbounded: MintBounds = { mintQuota: null, livingKeysMax: null, keyAgeSecondsMax: null };
