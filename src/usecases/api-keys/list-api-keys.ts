import type { Page } from '../../domain/page.ts';
import type { ApiKeyFilter } from '../../stores/postgres/api-keys/filter.ts';
import { listApiKeys as findApiKeys } from '../../stores/postgres/api-keys/list.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import type { ApiKeyReadParts, ApiKeyWithUsage } from './get-api-key.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

export type ListApiKeysRequest = Omit<ApiKeyFilter, 'now'> & {
  limit: number;
  /** The last key that the previous page examined. */
  before?: string | undefined;
};

/** A page of the keys that the principal may see, newest first. */
export function listApiKeys(
  { db, clock }: ApiKeyReadParts,
  principal: ApiKeyPrincipal,
  { limit, before, ...filter }: ListApiKeysRequest,
): Promise<Page<ApiKeyWithUsage>> {
  const now = clock.now();
  return withinReach(db, principal, async (tx, reach) => {
    const page = await findApiKeys(tx, reach, { ...filter, now }, { limit, before });
    const ids = page.items.map(({ id }) => id);
    const totals = await listUsageTotals(tx, ids, now);
    return { ...page, items: page.items.map((apiKey) => ({ apiKey, usage: totals.get(apiKey.id) })) };
  });
}
