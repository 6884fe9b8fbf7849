import type { RefusalEndpoint } from './key-refusal.ts';

/** Where and by whom a canary key was presented. Never the secret. */
export type CanaryUse = {
  endpoint: RefusalEndpoint;
  /** The end client's address; null when the gateway named none that is one. */
  ip: string | null;
  /** The gateway that asked. */
  masterKeyId: string;
  requestId: string;
};

/** At most one event of a canary key within this time. */
export const canaryEventEveryMs = 60_000;
