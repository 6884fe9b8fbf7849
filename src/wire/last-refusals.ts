import { Stamps } from '../domain/stamp.ts';
import { pushRefusals } from '../stores/redis/refusals.ts';
import { LastRefusals } from '../verify/last-refusals.ts';
import type { ProcessParts } from './process-parts.ts';
import type { RevocationParts } from './revocation.ts';
import type { Stores } from './stores.ts';

/** The last refusals of keys: on their way to Redis, and where they are read. */
export function wireLastRefusals(
  { config, metrics, closing, fault }: ProcessParts,
  { redis }: Stores,
  { clock }: RevocationParts,
) {
  const keyRefusals = { redis, refusalStamps: new Stamps(config.FLOWPLATE_PEPPERS, 'refusals') };
  const lastRefusals = new LastRefusals({
    deliver: (some) => pushRefusals(keyRefusals, some, clock.nowMs()),
    onFault: fault('redis'),
    onLeftOut: () => metrics.refusalsLeftOut.inc(),
  });
  closing.add('last refusals', () => lastRefusals.close());
  return { keyRefusals, lastRefusals };
}
