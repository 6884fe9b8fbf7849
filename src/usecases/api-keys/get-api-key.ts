import type { ApiKey } from '../../domain/api-key.ts';
import type { Clock } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { findApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listUsageTotals, type UsageTotals } from '../../stores/postgres/usage/usage.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

/** Dependencies of reads of tenant and platform keys. */
export type ApiKeyReadParts = { db: Database; clock: Clock };

/** A key with its usage; undefined when it was never used. */
export type ApiKeyWithUsage = { apiKey: ApiKey; usage: UsageTotals | undefined };

/**
 * One key with its usage, never its secret. `KEY_NOT_FOUND` also when the principal may not see it.
 */
export function getApiKey(
  { db, clock }: ApiKeyReadParts,
  principal: ApiKeyPrincipal,
  id: string,
): Promise<ApiKeyWithUsage> {
  return withinReach(db, principal, async (tx, reach) => {
    const apiKey = await findApiKey(tx, reach, id);
    if (apiKey === undefined) throw new FlowplateError('KEY_NOT_FOUND');
    const totals = await listUsageTotals(tx, [id], clock.now());
    return { apiKey, usage: totals.get(id) };
  });
}
