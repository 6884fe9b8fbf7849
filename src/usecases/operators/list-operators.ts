import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listPlatformUsers, type PlatformUserFilter } from '../../stores/postgres/platform-users.ts';

export async function listOperators(
  parts: { db: Db },
  page: PlatformUserFilter & { limit: number; before?: string | undefined },
): Promise<{ users: PlatformUser[]; hasMore: boolean }> {
  const { limit, before, ...filter } = page;
  const found = await listPlatformUsers(parts.db, filter, limit + 1, before);
  return { users: found.slice(0, limit), hasMore: found.length > limit };
}
