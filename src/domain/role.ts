import { FlowplateError } from './errors.ts';
import { type PlatformPermission, platformPermissions } from './permission.ts';

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

export const superAdminRoleId = 'role_platform_admin';

/**
 * The roles that every deployment has and nobody can change. Creating, resetting and deleting users and handling master keys are
 * the super-admin's alone, whatever a custom role lists.
 */
export const builtInRoles: readonly {
  id: string;
  name: string;
  permissions: readonly PlatformPermission[];
}[] = [
  { id: superAdminRoleId, name: 'super-admin', permissions: platformPermissions },
  {
    id: 'role_platform_operator',
    name: 'admin',
    permissions: platformPermissions.filter(
      (permission) => permission !== 'platform:roles:manage' && permission !== 'platform:audit:manage',
    ),
  },
  {
    id: 'role_platform_viewer',
    name: 'read-only',
    permissions: platformPermissions.filter(
      (permission) => permission.endsWith(':read') && permission !== 'platform:users:read',
    ),
  },
];

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
