import { fixedRate } from './fixed-rate.ts';
import { mintKeys } from './mint-keys.ts';
import { redisBytes } from './redis-bytes.ts';
import { revokeKeys } from './revoke-keys.ts';
import type { Scenario } from './scenario.ts';
import { verifyKeys } from './verify-keys.ts';

/** In the order in which they run and stand in docs/performance.md. */
export const allScenarios: readonly Scenario[] = [verifyKeys, mintKeys, revokeKeys, redisBytes, fixedRate];
