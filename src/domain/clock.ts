/** The time that decides expiry, periods and timestamps. Injected, so that a test can walk it forward. */
export type Clock = { now(): Date };

/** Cryptographically secure random bytes; injected for the same reason. */
export type RandomBytes = (size: number) => Uint8Array;
