/**
 * The time that decides expiry, periods and timestamps. Injected, so that a test can walk it
 * forward.
 */
export type Clock = {
  now(): Date;
  /**
   * The earliest time that it may be, for a change that cannot be undone: a clock that was wrong
   * for a moment may decide an answer, but take nothing away for good.
   */
  earliest(): Date;
};

/** Cryptographically secure random bytes; injected for the same reason. */
export type RandomBytes = (size: number) => Uint8Array;
