import { type Page, toPage } from '../../domain/page.ts';
import { listApiUsers as findApiUsers, listApiUserLineages } from '../../stores/postgres/api-users.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import type { ApiUserWithUsage, ReadApiUserParts } from './api-user-parts.ts';

/** A page of users, newest first. `before` is the last user of the page before. */
export async function listApiUsers(
  parts: ReadApiUserParts,
  { limit, before }: { limit: number; before?: string | undefined },
): Promise<Page<ApiUserWithUsage>> {
  const found = await findApiUsers(parts.db, limit + 1, before);
  const page = toPage(found, limit, ({ id }) => id);
  const lineages = await listApiUserLineages(
    parts.db,
    page.items.map(({ id }) => id),
  );
  const totals = await listUsageTotals(parts.db, [...lineages.values()], parts.clock.now());
  return {
    ...page,
    items: page.items.map((user) => ({ user, usage: totals.get(lineages.get(user.id) ?? '') })),
  };
}
