import type { VisibleScope } from '../../domain/principal.ts';
import type { KeyStatus } from '../../domain/user-key.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import { listKeys as findKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import type { KeyWithUsage, ReadParts } from './key-with-usage.ts';

export type ListRequest = {
  userId?: string | undefined;
  organizationId?: string | undefined;
  environment?: string | undefined;
  status?: KeyStatus | 'disabled' | undefined;
  /** What `key_prefix` begins with. */
  prefix?: string | undefined;
  limit: number;
  /** The last key of the page before. */
  before?: string | undefined;
};

/** A page of the keys that the principal may see, newest first, and whether another one follows. */
export async function listKeys(
  parts: ReadParts,
  principal: VisibleScope,
  request: ListRequest,
): Promise<{ keys: KeyWithUsage[]; hasMore: boolean }> {
  const now = parts.clock.now();
  const { organizationIds, environments } = principal;
  const { limit, before, ...filter } = request;
  const found = await findKeys(
    parts.db,
    { ...filter, organizationIds, environments, now },
    limit + 1,
    before,
  );
  const page = found.slice(0, limit);
  const totals = await listUsageTotals(
    parts.db,
    page.map((key) => key.lineageId),
    now,
  );
  return {
    keys: page.map((key) => ({ key, usage: totals.get(key.lineageId) })),
    hasMore: found.length > limit,
  };
}
