import { auditLists } from './audit-lists.ts';
import { canaryTiming } from './canary-timing.ts';
import { changes } from './changes.ts';
import { cliStart } from './cli-start.ts';
import { clusterReads } from './cluster-reads.ts';
import { embedded } from './embedded.ts';
import { fillMinters } from './fill-minters.ts';
import { fixedRate } from './fixed-rate.ts';
import { forwardAuth } from './forward-auth.ts';
import { gateways } from './gateways.ts';
import { headline } from './headline.ts';
import { importKeys } from './import.ts';
import { inBulk } from './in-bulk.ts';
import { keyLists } from './key-lists.ts';
import { leakedMasterKey } from './leaked-master-key.ts';
import { logins } from './logins.ts';
import { metrics } from './metrics.ts';
import { millionKeys } from './million-keys.ts';
import { mintKeys } from './mint-keys.ts';
import { mintedKeys } from './minted-keys.ts';
import { nginx } from './nginx.ts';
import { peers } from './peers.ts';
import { redisBytes } from './redis-bytes.ts';
import { revokeKeys } from './revoke-keys.ts';
import { rollUp } from './roll-up.ts';
import { scale } from './scale.ts';
import type { Scenario } from './scenario.ts';
import { stopKeys } from './stop-keys.ts';
import { strangers } from './strangers.ts';
import { sustained } from './sustained.ts';
import { traces } from './traces.ts';
import { unknownKeys } from './unknown-keys.ts';
import { verifyKeys } from './verify-keys.ts';
import { webhookFaults } from './webhook-faults.ts';
import { webhooks } from './webhooks.ts';

/** In the order of execution and of docs/performance.md. */
export const allScenarios: readonly Scenario[] = [
  headline,
  verifyKeys,
  unknownKeys,
  canaryTiming,
  forwardAuth,
  nginx,
  traces,
  millionKeys,
  embedded,
  sustained,
  rollUp,
  peers,
  mintKeys,
  inBulk,
  importKeys,
  changes,
  revokeKeys,
  stopKeys,
  leakedMasterKey,
  fillMinters,
  gateways,
  redisBytes,
  clusterReads,
  scale,
  fixedRate,
  metrics,
  logins,
  strangers,
  keyLists,
  mintedKeys,
  auditLists,
  webhooks,
  webhookFaults,
  cliStart,
];
