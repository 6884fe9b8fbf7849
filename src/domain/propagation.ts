/**
 * How far a change has come. Complete: no verifier anywhere accepts the old state in a request that
 * starts after this answer. Otherwise the change is committed and durable, and `effectiveBy` is the
 * time at which it is certain in any case: the end of the last lease that was still outstanding.
 */
export type Propagation = {
  isComplete: boolean;
  /** Of the verifiers that the change concerns. */
  acknowledged: number;
  total: number;
  waitedMs: number;
  effectiveBy: Date;
  /** The verifiers that have not confirmed yet; empty when it is complete. */
  heldUpBy: readonly HeldUpBy[];
};

/**
 * A verifier by its id, and the master key of the gateway that embeds it; null for an API process.
 */
export type HeldUpBy = { verifierId: string; masterKeyId: string | null };
