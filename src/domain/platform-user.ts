import { superAdminRoleId } from './role.ts';

/** An operator who is a person. */
export type PlatformUser = {
  id: string;
  email: string;
  name: string;
  roleIds: string[];
  isActive: boolean;
  lastLoginAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

export function isActiveSuperAdmin(user: Pick<PlatformUser, 'isActive' | 'roleIds'>): boolean {
  return user.isActive && user.roleIds.includes(superAdminRoleId);
}
