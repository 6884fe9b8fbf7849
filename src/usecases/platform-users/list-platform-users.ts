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
  /** Where the page before ended. */
  after?: UserPlace | undefined;
};

/** A page of platform users, and where it ended when another one follows. */
export async function listPlatformUsers(
  parts: { db: Db },
  { order, limit, after, ...filter }: UsersRequest,
): Promise<{ users: PlatformUser[]; end: UserPlace | undefined }> {
  const found = await findPlatformUsers(parts.db, filter, order, limit + 1, after);
  const page = found.slice(0, limit);
  return {
    users: page.map(({ user }) => user),
    end: found.length > limit ? page.at(-1)?.place : undefined,
  };
}
