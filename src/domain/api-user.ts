export const apiUserRoles = ['user', 'admin'] as const;

export type ApiUserRole = (typeof apiUserRoles)[number];

/**
 * A person or a program with one key. Two may have the same e-mail address: it is where to reach
 * them, not who they are.
 */
export type ApiUser = {
  id: string;
  name: string;
  email: string | null;
  role: ApiUserRole;
  isActive: boolean;
  createdAt: Date;
  updatedAt: Date;
};
