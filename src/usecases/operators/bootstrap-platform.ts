import { FlowplateError } from '../../domain/errors.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Caller, TenantPrincipal } from '../../domain/principal.ts';
import { superAdminRoleId } from '../../domain/role.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import {
  insertPlatformUser,
  isThereAPlatformUser,
  lockPlatformUsers,
} from '../../stores/postgres/platform-users.ts';
import { hashNewPassword } from './new-password.ts';
import { type NewOperator, toNewUser } from './new-user.ts';
import { type OperatorParts, operatorEvent } from './operator-parts.ts';

/**
 * Makes the first platform user, a super-admin, for whoever holds a tenant key. `ALREADY_BOOTSTRAPPED` when there is a platform user;
 * of several at once one wins.
 */
export async function bootstrapPlatform(
  parts: OperatorParts,
  caller: Caller<TenantPrincipal>,
  { password, ...wanted }: Omit<NewOperator, 'roleIds'>,
): Promise<PlatformUser> {
  if (await isThereAPlatformUser(parts.db)) throw new FlowplateError('ALREADY_BOOTSTRAPPED');
  const passwordHash = await hashNewPassword(parts, password, wanted);
  const user = toNewUser(parts, { ...wanted, roleIds: [superAdminRoleId] });
  await parts.db.transaction().execute(async (tx) => {
    await lockPlatformUsers(tx);
    if (await isThereAPlatformUser(tx)) throw new FlowplateError('ALREADY_BOOTSTRAPPED');
    await insertPlatformUser(tx, user, passwordHash);
    const details = { email: user.email, role_ids: user.roleIds };
    await insertAuditEvents(tx, [
      operatorEvent(parts, caller, 'platform.bootstrapped', user.id, {}),
      operatorEvent(parts, caller, 'platform.user.created', user.id, details),
    ]);
  });
  return user;
}
