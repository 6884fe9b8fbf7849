import { FlowplateError } from '../../domain/errors.ts';
import { findApiUser, listApiUserLineages } from '../../stores/postgres/api-users.ts';
import { type ApiUserWithUsage, type ReadApiUserParts, requireUserId, usageOf } from './api-user-parts.ts';

/** One user. `USER_NOT_FOUND` when there is none. */
export async function getApiUser(parts: ReadApiUserParts, id: string): Promise<ApiUserWithUsage> {
  const user = await findApiUser(parts.db, requireUserId(id));
  if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
  const lineages = await listApiUserLineages(parts.db, [id]);
  return { user, usage: await usageOf(parts, lineages.get(id)) };
}
