/**
 * Part of a lease that its holder does not use. A fifteenth exceeds the drift of two monotonic
 * clocks by far. The rest covers the tick in which a request is decided.
 */
export function leaseMarginMs(leaseMs: number): number {
  return leaseMs / 15;
}
