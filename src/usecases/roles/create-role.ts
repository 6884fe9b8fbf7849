import { FlowplateError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import { insertRole } from '../../stores/postgres/platform-users/roles.ts';
import { type ChangeParts, change } from '../change.ts';
import { type RoleSettings, roleEvent } from './role-changes.ts';

/**
 * Creates a custom role from permissions that the caller has. `ROLE_ALREADY_EXISTS` when the name
 * is taken, in any case.
 */
export async function createRole(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  settings: RoleSettings,
): Promise<Role> {
  requireHolds(caller.principal, { roleIds: [], permissions: settings.permissions });
  const { answer } = await change<Role>(parts, { by: caller }, async (tx, now) => {
    const id = newId('role', now, parts.randomBytes);
    const role: Role = { id, ...settings, isBuiltIn: false, createdAt: now, updatedAt: now };
    if ((await insertRole(tx, role)) === 'name taken') throw new FlowplateError('ROLE_ALREADY_EXISTS');
    return { answer: role, events: [roleEvent('platform.role.created', role)], revokes: revokesNothing };
  });
  return answer;
}
