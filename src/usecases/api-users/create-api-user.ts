import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import type { ApiUserParts } from './api-user-parts.ts';
import { type CreatedApiUser, insertNewApiUser, type NewApiUser } from './new-api-user.ts';

/** Creates an API user with a key that works at once. */
export async function createApiUser(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  wanted: NewApiUser,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedApiUser>> {
  return change(parts, { by: caller, idempotency }, (tx, now) => insertNewApiUser(parts, tx, wanted, now));
}
