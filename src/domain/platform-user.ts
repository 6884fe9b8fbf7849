import { superAdminRoleId } from './role.ts';

/** A person who runs the platform. */
export type PlatformUser = {
  id: string;
  email: string;
  name: string;
  roleIds: string[];
  isActive: boolean;
  lastLoginAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  /** May log in with the password while others have to use the identity provider. */
  isBreakGlass: boolean;
  /** False for an account of the identity provider, which also decides its roles. */
  hasPassword: boolean;
};

/** Sort orders of the user list. */
export const userSorts = ['created', 'email', 'name', 'status', 'last_login'] as const;

export type UserSort = (typeof userSorts)[number];

export function isActiveSuperAdmin(user: Pick<PlatformUser, 'isActive' | 'roleIds'>): boolean {
  return user.isActive && user.roleIds.includes(superAdminRoleId);
}
