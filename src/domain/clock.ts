/**
 * The time that decides expiry, periods and timestamps. Injected, so that a test can walk it
 * forward.
 */
export type Clock = {
  now(): Date;
  /**
   * Lower bound of the current time, for changes that cannot be undone. A clock that was wrong for
   * a moment may decide an answer, but must not end a key for good.
   */
  earliest(): Date;
};

/** Cryptographically secure random bytes. Injected, so that a test can repeat them. */
export type RandomBytes = (size: number) => Uint8Array;
