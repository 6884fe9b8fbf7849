import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, Principal } from '../../domain/principal.ts';
import { type Replayed, replayable } from '../replay.ts';
import type { ApiUserParts } from './api-user-parts.ts';
import { type CreatedApiUser, insertNewApiUser, type NewApiUser } from './new-api-user.ts';

/** Creates an API user with a key that works at once. */
export async function createApiUser(
  parts: ApiUserParts,
  caller: Caller<Principal>,
  wanted: NewApiUser,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedApiUser>> {
  return replayable<CreatedApiUser>({ ...parts, now: parts.clock.now() }, idempotency, (keep) =>
    parts.db.transaction().execute(async (tx) => {
      const created = await insertNewApiUser(parts, tx, caller, wanted);
      await keep(tx, created);
      return created;
    }),
  );
}
