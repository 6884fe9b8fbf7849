import { type Page, toPage } from '../../domain/page.ts';
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
  /** Id of a master key. */
  mintedBy?: string | undefined;
  /** Prefix of `key_prefix`. */
  prefix?: string | undefined;
  limit: number;
  /** Last key of the previous page. */
  before?: string | undefined;
};

/** A page of the keys that the principal may see, newest first. */
export async function listKeys(
  parts: ReadParts,
  principal: VisibleScope,
  request: ListRequest,
): Promise<Page<KeyWithUsage>> {
  const now = parts.clock.now();
  const { organizationIds, environments } = principal;
  const { limit, before, ...filter } = request;
  const found = await findKeys(
    parts.db,
    { ...filter, organizationIds, environments, now },
    limit + 1,
    before,
  );
  const page = toPage(found, limit, ({ id }) => id);
  const totals = await listUsageTotals(
    parts.db,
    page.items.map((key) => key.lineageId),
    now,
  );
  return {
    ...page,
    items: page.items.map((key) => ({ key, usage: totals.get(key.lineageId) })),
  };
}
