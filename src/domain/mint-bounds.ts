export const mintPeriods = ['minute', 'hour', 'day'] as const;

/** Calendar periods in UTC. */
export type MintPeriod = (typeof mintPeriods)[number];

export type MintQuota = { limit: number; period: MintPeriod };

/**
 * Bounds for what a master key may mint, so that a leaked one does bounded damage. Null is
 * unbounded. `livingKeysMax` counts active keys, disabled ones included; a key and its predecessors
 * in grace are one.
 */
export type MintBounds = { mintQuota: MintQuota | null; livingKeysMax: number | null };
