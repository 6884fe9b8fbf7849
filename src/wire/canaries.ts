import { randomBytes } from 'node:crypto';
import { listCanaryKeys } from '../stores/postgres/leaks/canary-keys.ts';
import { tellCanaryUses } from '../usecases/leaks/tell-canary-uses.ts';
import { CanaryWatch } from '../verify/canary-watch.ts';
import type { ProcessParts } from './process-parts.ts';
import type { Stores } from './stores.ts';

/** Recognizes canary keys among unknown ones, beside the connections of verification. */
export function wireCanaries(
  { config, closing, fault }: ProcessParts,
  { reportsDb: db }: Stores,
): CanaryWatch {
  const canaries = new CanaryWatch({
    keyring: config.FLOWPLATE_PEPPERS,
    load: (after) => listCanaryKeys(db, after),
    tell: (used) => tellCanaryUses({ db, randomBytes }, used),
    onFault: fault('postgres'),
  });
  closing.add('canaries', () => canaries.close());
  return canaries;
}
