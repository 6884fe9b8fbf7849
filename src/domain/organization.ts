/**
 * Status of a tenant. `suspended` refuses all its keys until it is resumed. `deleted` is final for
 * operators; only an administrator at the server's shell restores it.
 */
export type OrganizationStatus = 'active' | 'suspended' | 'deleted';

export type Organization = {
  id: string;
  name: string;
  status: OrganizationStatus;
  createdAt: Date;
};

/**
 * Environment of an organization, such as `prod` and `stage`; each key works in one. `slug` is its
 * name, and part of the secrets of user keys.
 */
export type Environment = { id: string; slug: string; createdAt: Date };
