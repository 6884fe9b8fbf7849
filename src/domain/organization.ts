/**
 * A tenant. `suspended` stops all its keys until it is resumed; `deleted` stops them for good, and
 * to operators it is gone: only an administrator at the server's own shell brings it back.
 */
export type OrganizationStatus = 'active' | 'suspended' | 'deleted';

export type Organization = {
  id: string;
  name: string;
  status: OrganizationStatus;
  createdAt: Date;
};

/**
 * Where a key of an organization is good. `slug` is its name, and stands in the secrets of hidden
 * user keys.
 */
export type Environment = { id: string; slug: string; createdAt: Date };
