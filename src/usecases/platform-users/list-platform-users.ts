import { type Page, toPage } from '../../domain/page.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Db } from '../../stores/postgres/database.ts';
import {
  findPlatformUsers,
  type PlatformUserFilter,
  type UserOrder,
  type UserPlace,
} from '../../stores/postgres/platform-users/platform-users.ts';

export type { UserOrder, UserPlace };

type UsersRequest = PlatformUserFilter & {
  order: UserOrder;
  limit: number;
  /** End of the previous page. */
  after?: UserPlace | undefined;
};

/** A page of platform users. */
export async function listPlatformUsers(
  parts: { db: Db },
  { order, limit, after, ...filter }: UsersRequest,
): Promise<Page<PlatformUser, UserPlace>> {
  const found = await findPlatformUsers(parts.db, filter, order, limit + 1, after);
  const page = toPage(found, limit, ({ place }) => place);
  return { ...page, items: page.items.map(({ user }) => user) };
}
