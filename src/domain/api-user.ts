export const apiUserRoles = ['user', 'admin'] as const;

export type ApiUserRole = (typeof apiUserRoles)[number];

/**
 * A person or a program with one API key. The e-mail address is contact data, not identity: two
 * users may share one.
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
