import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, OperatorPrincipal } from '../../domain/principal.ts';
import { hasActiveApiAdmin, lockApiAdmins } from '../../stores/postgres/api-users.ts';
import { type Replayed, replayable } from '../replay.ts';
import type { ApiUserParts } from './api-user-parts.ts';
import { type CreatedApiUser, insertNewApiUser, type NewApiUser } from './new-api-user.ts';

/** Creates the admin who creates all others: only while there is no active one, `ALREADY_BOOTSTRAPPED` otherwise. */
export async function bootstrapApiUsers(
  parts: ApiUserParts,
  caller: Caller<OperatorPrincipal>,
  wanted: Omit<NewApiUser, 'role'>,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedApiUser>> {
  return replayable<CreatedApiUser>({ ...parts, now: parts.clock.now() }, idempotency, (keep) =>
    parts.db.transaction().execute(async (tx) => {
      await lockApiAdmins(tx);
      if (await hasActiveApiAdmin(tx)) {
        throw new FlowplateError('ALREADY_BOOTSTRAPPED', {
          systemMessage: 'There is an API user with the role admin already',
        });
      }
      const created = await insertNewApiUser(parts, tx, caller, { ...wanted, role: 'admin' });
      await keep(tx, created);
      return created;
    }),
  );
}
