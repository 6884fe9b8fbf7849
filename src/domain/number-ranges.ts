export type Range = { readonly min: number; readonly max: number };

/** Minimum and maximum of each number that callers set: one table for API, SDK and command line. */
export const numberRanges = {
  rateLimit: { min: 1, max: 1_000_000_000 },
  /** A month of 31 days. */
  rateLimitWindowSeconds: { min: 1, max: 2_678_400 },
  quota: { min: 1, max: 1_000_000_000_000 },
  /** Mints of a period, and living keys, of one master key. */
  mintBound: { min: 1, max: 1_000_000_000 },
  /** Ten years. */
  ttlSeconds: { min: 1, max: 315_360_000 },
  /** Of the longest age of keys: from a day, since it is told of in days. Ten years. */
  keyAgeSeconds: { min: 86_400, max: 315_360_000 },
  gracePeriodSeconds: { min: 0, max: 86_400 },
  /**
   * Of a grace that begins with a first use, which waits for no verifier. No lease is longer than
   * the minimum (`LEASE_MS`), so every verifier knows the end of the old key before it comes.
   */
  firstUseGraceSeconds: { min: 120, max: 86_400 },
  /** A month. Holders that need longer to move get a second key. */
  overlapSeconds: { min: 0, max: 2_678_400 },
  /** Cost of one verification, charged to limits and quota. */
  cost: { min: 0, max: 1_000_000 },
  pageSize: { min: 1, max: 100 },
  auditPageSize: { min: 1, max: 1_000 },
  /** Below the time-outs of common proxies. */
  eventWaitSeconds: { min: 0, max: 30 },
  /** Of the times that the hygiene report asks for. */
  hygieneDays: { min: 1, max: 9_999 },
  /** Asked scopes are kept for 400 days. */
  unaskedDays: { min: 1, max: 365 },
  policyReportSize: { min: 1, max: 1_000 },
} as const satisfies Record<string, Range>;
