import type { RefusedCode } from './verdict.ts';

/** Where keys are verified. `embedded`: in a gateway's own process, by the SDK. */
export const refusalEndpoints = ['verify', 'batch', 'authz', 'introspect', 'embedded'] as const;

export type RefusalEndpoint = (typeof refusalEndpoints)[number];

/** One refusal of a known key, for its owner to look at. Never the secret. */
export type KeyRefusal = {
  keyId: string;
  /** Running number in the process that refused; tells refusals of one millisecond apart. */
  serial: number;
  /** Unix milliseconds, of the database server's clock. */
  atMs: number;
  code: RefusedCode;
  endpoint: RefusalEndpoint;
  requestId: string;
  /** The trace that the end client was told of, where the process traces. */
  traceId: string | null;
  /** The gateway that asked. */
  masterKeyId: string;
  /** The end client's address; null when the gateway named none that is one. */
  ip: string | null;
};

/** So many are kept of each key, the newest, for so long. */
export const refusalsOfKeyMax = 20;
export const refusalLifeMs = 7 * 86_400_000;
