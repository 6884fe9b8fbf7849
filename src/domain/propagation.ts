/**
 * How far a change has reached the verifiers. Complete: no verifier accepts the old state in a
 * request that starts after this answer. Otherwise the change is committed, and takes effect
 * everywhere by `effectiveBy`, the end of the last lease outstanding.
 */
export type Propagation = {
  isComplete: boolean;
  /** Number of concerned verifiers that have applied it. */
  acknowledged: number;
  total: number;
  waitedMs: number;
  effectiveBy: Date;
  /** Verifiers that have not applied it yet; empty when complete. */
  heldUpBy: readonly HeldUpBy[];
};

/** A verifier, and the master key of the gateway that embeds it; null for an API process. */
export type HeldUpBy = { verifierId: string; masterKeyId: string | null };
