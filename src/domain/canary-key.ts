import { refusalEndpoints } from './key-refusal.ts';

/**
 * Where canary keys are presented. `revoke`: to be ended by its holder. `credential`: as the
 * credential of a call, in one of its headers.
 */
export const canaryEndpoints = [...refusalEndpoints, 'revoke', 'credential'] as const;

/** Where and by whom a canary key was presented. Never the secret. */
export type CanaryUse = {
  endpoint: (typeof canaryEndpoints)[number];
  /** The end client's address; null when the gateway named none that is one. */
  ip: string | null;
  /** The gateway that asked; null where it came without one. */
  masterKeyId: string | null;
  requestId: string;
};

/** At most one event of a canary key within this time. */
export const canaryEventEveryMs = 60_000;
