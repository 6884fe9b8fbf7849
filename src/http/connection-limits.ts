/**
 * Longer than gateways keep idle connections (nginx 60 s, Go 90 s), so that this side never closes
 * first.
 */
const keepAliveMs = 120_000;

/**
 * Time limits for the arrival of a request: its head, and all of it, from the first byte. A new
 * connection has the same time for its first head. They bound memory and descriptors (slowloris),
 * and the time between authentication and action.
 */
const headMsMax = 5_000;
const requestMsMax = 10_000;

/**
 * Node checks for late connections at this interval. Its default of 30 s would add to the limits
 * above.
 */
const lateCheckMs = 1_000;

/** Options for `createServer` of every server that gateways and strangers can reach. */
export const connectionLimits = {
  keepAliveTimeout: keepAliveMs,
  headersTimeout: headMsMax,
  requestTimeout: requestMsMax,
  connectionsCheckingInterval: lateCheckMs,
  maxHeaderSize: 16_384,
} as const;

/** Maximum time without progress of an answer before its connection is closed. */
export const stalledAnswerMsMax = keepAliveMs;

/** The same limits for the fast lane in front. */
export const laneLimits = {
  firstByteMsMax: headMsMax,
  idleMsMax: keepAliveMs,
  keepAliveSeconds: keepAliveMs / 1_000,
} as const;
