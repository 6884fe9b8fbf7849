import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { hasActiveApiAdmin, lockApiAdmins } from '../../stores/postgres/api-users.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import type { ApiUserParts } from './api-user-parts.ts';
import { type CreatedApiUser, insertNewApiUser, type NewApiUser } from './new-api-user.ts';

/** Creates the first admin. `ALREADY_BOOTSTRAPPED` while there is an active one. */
export async function bootstrapApiUsers(
  parts: ApiUserParts,
  caller: Caller<PlatformPrincipal>,
  wanted: Omit<NewApiUser, 'role'>,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedApiUser>> {
  return change(parts, { by: caller, idempotency }, async (tx, now) => {
    await lockApiAdmins(tx);
    if (await hasActiveApiAdmin(tx)) {
      throw new FlowplateError('ALREADY_BOOTSTRAPPED', {
        systemMessage: 'There is an API user with the role admin already',
      });
    }
    return insertNewApiUser(parts, tx, { ...wanted, role: 'admin' }, now);
  });
}
