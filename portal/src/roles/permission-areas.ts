import type { Permission } from '../sessions/me.ts';

export type Area = { label: string; read: Permission; manage: Permission };

/** Areas of permissions, one row each: read, or read and change. */
export const areas: readonly Area[] = [
  { label: 'Users', read: 'platform:users:read', manage: 'platform:users:manage' },
  { label: 'API keys', read: 'platform:keys:read', manage: 'platform:keys:manage' },
  { label: 'Hidden keys', read: 'platform:hidden_keys:read', manage: 'platform:hidden_keys:manage' },
  { label: 'Tenants', read: 'platform:tenants:read', manage: 'platform:tenants:manage' },
  { label: 'Inside tenants', read: 'platform:impersonate:read', manage: 'platform:impersonate' },
  { label: 'Roles', read: 'platform:roles:read', manage: 'platform:roles:manage' },
  { label: 'Audit', read: 'platform:audit:read', manage: 'platform:audit:manage' },
  { label: 'Events', read: 'platform:events:read', manage: 'platform:events:manage' },
];
