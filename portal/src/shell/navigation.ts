import type { Need } from '../sessions/me.ts';

/** `isInside`: shown only during an impersonation. */
export type Place = { to: string; label: string; need: Need; isInside?: true };

/** Entries of the side bar in order, each shown to users with the right. */
export const places: readonly Place[] = [
  { to: '/overview', label: 'Overview', need: 'platform:keys:read' },
  { to: '/users', label: 'Users', need: 'platform:users:read' },
  { to: '/api-keys', label: 'API Keys', need: 'platform:keys:read' },
  { to: '/hidden-keys', label: 'Hidden Keys', need: 'platform:hidden_keys:read' },
  { to: '/tenants', label: 'Tenants', need: 'platform:tenants:read' },
  { to: '/environments', label: 'Environments', need: 'platform:tenants:read', isInside: true },
  { to: '/roles', label: 'Roles', need: 'platform:roles:read' },
  { to: '/master-keys', label: 'Master Keys', need: 'super-admin' },
  { to: '/audit', label: 'Audit', need: 'platform:audit:read' },
];

/** Title of the browser's tab and history entry. */
export function titleOf(pathname: string): string {
  const label = [...places, { to: '/account', label: 'Account' }].find(({ to }) => to === pathname)?.label;
  return label === undefined ? 'Flowplate Keys' : `${label} · Flowplate Keys`;
}
