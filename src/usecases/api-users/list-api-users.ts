import { listApiUsers as findApiUsers, listApiUserLineages } from '../../stores/postgres/api-users.ts';
import { listUsageTotals } from '../../stores/postgres/usage/usage.ts';
import type { ApiUserWithUsage, ReadApiUserParts } from './api-user-parts.ts';

/**
 * A page of users, newest first, and whether another one follows. `before` is the last user of the
 * page before.
 */
export async function listApiUsers(
  parts: ReadApiUserParts,
  page: { limit: number; before?: string | undefined },
): Promise<{ users: ApiUserWithUsage[]; hasMore: boolean }> {
  const found = await findApiUsers(parts.db, page.limit + 1, page.before);
  const users = found.slice(0, page.limit);
  const lineages = await listApiUserLineages(
    parts.db,
    users.map(({ id }) => id),
  );
  const totals = await listUsageTotals(parts.db, [...lineages.values()], parts.clock.now());
  return {
    users: users.map((user) => ({ user, usage: totals.get(lineages.get(user.id) ?? '') })),
    hasMore: found.length > page.limit,
  };
}
