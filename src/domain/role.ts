import { FlowplateError } from './errors.ts';
import type { PlatformPermission } from './permission.ts';

/** A named list of permissions. */
export type Role = {
  id: string;
  name: string;
  description: string | null;
  permissions: readonly PlatformPermission[];
  isBuiltIn: boolean;
  createdAt: Date;
  updatedAt: Date;
};

/**
 * Built in with the others (migration 0008). Creating, resetting and deleting users and handling
 * master keys are this role's alone, whatever a custom role lists.
 */
export const superAdminRoleId = 'role_platform_admin';

/** Permissions and the super-admin's role together: what somebody holds, or would be given. */
export type Holding = { roleIds: readonly string[]; permissions: readonly PlatformPermission[] };

/** Nobody grants, changes or takes away what they do not hold themselves. */
export function requireHolds(own: Holding, wanted: Holding): void {
  const missing = wanted.permissions.filter((permission) => !own.permissions.includes(permission));
  const needsSuperAdmin =
    wanted.roleIds.includes(superAdminRoleId) && !own.roleIds.includes(superAdminRoleId);
  if (missing.length === 0 && !needsSuperAdmin) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'Nobody grants, changes or takes away what they do not hold themselves',
    details: { missing_permissions: missing, ...(needsSuperAdmin && { required_role: superAdminRoleId }) },
  });
}
