/** Permissions of master keys, one per verb. */
export const masterKeyPermissions = [
  'keys:mint',
  'keys:refresh',
  'keys:revoke',
  'keys:read',
  'keys:verify',
  'keys:verify:embedded',
  'keys:explain',
  'keys:bulk',
  'keys:import',
  'keys:canary',
  'usage:read',
] as const;

export type MasterKeyPermission = (typeof masterKeyPermissions)[number];

/**
 * Permissions of operators: read and manage for each kind of thing, and impersonation of tenants.
 */
export const platformPermissions = [
  'platform:users:read',
  'platform:users:manage',
  'platform:keys:read',
  'platform:keys:manage',
  'platform:roles:read',
  'platform:roles:manage',
  'platform:tenants:read',
  'platform:tenants:manage',
  'platform:audit:read',
  'platform:audit:manage',
  'platform:events:read',
  'platform:events:manage',
  'platform:hidden_keys:read',
  'platform:hidden_keys:manage',
  'platform:impersonate:read',
  'platform:impersonate',
] as const;

export type PlatformPermission = (typeof platformPermissions)[number];
