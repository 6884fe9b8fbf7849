import { FlowplateError } from './errors.ts';
import type { PlatformPermission } from './permission.ts';

/** A named list of permissions of platform users. */
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
 * Super-admin, built in by migration 0008. Only this role may create, reset and delete users and
 * handle master keys.
 */
export const superAdminRoleId = 'role_platform_admin';

/** Roles and permissions that a caller has, or would be given. */
export type Holding = { roleIds: readonly string[]; permissions: readonly PlatformPermission[] };

/** Privilege check: callers cannot grant, change or remove rights that they do not have. */
export function requireHolds(own: Holding, wanted: Holding): void {
  const missing = wanted.permissions.filter((permission) => !own.permissions.includes(permission));
  const needsSuperAdmin =
    wanted.roleIds.includes(superAdminRoleId) && !own.roleIds.includes(superAdminRoleId);
  if (missing.length === 0 && !needsSuperAdmin) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'Callers cannot grant, change or take away permissions that they do not hold',
    details: { missing_permissions: missing, ...(needsSuperAdmin && { required_role: superAdminRoleId }) },
  });
}
