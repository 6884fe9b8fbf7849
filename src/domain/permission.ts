/** What a master key may be allowed to do, one permission per verb. */
export const masterKeyPermissions = [
  'keys:mint',
  'keys:refresh',
  'keys:revoke',
  'keys:read',
  'keys:verify',
  'usage:read',
] as const;

export type MasterKeyPermission = (typeof masterKeyPermissions)[number];
