import type { Need } from '../sessions/me.ts';

/**
 * `where`: outside of every tenant, because the view is about the whole platform, or only during an
 * impersonation. Both unless set.
 */
export type Place = { to: string; label: string; need: Need; where?: 'outside' | 'inside' };

/** Entries of the side bar in order, each shown to users with the right. */
export const places: readonly Place[] = [
  { to: '/overview', label: 'Overview', need: 'platform:keys:read', where: 'outside' },
  { to: '/users', label: 'Users', need: 'platform:users:read', where: 'outside' },
  { to: '/api-keys', label: 'API Keys', need: 'platform:keys:read' },
  { to: '/hidden-keys', label: 'Hidden Keys', need: 'platform:hidden_keys:read' },
  { to: '/leaks', label: 'Leaks', need: 'platform:hidden_keys:read' },
  { to: '/hygiene', label: 'Hygiene', need: 'platform:hidden_keys:read' },
  { to: '/tenants', label: 'Tenants', need: 'platform:tenants:read', where: 'outside' },
  { to: '/environments', label: 'Environments', need: 'platform:tenants:read', where: 'inside' },
  { to: '/roles', label: 'Roles', need: 'platform:roles:read', where: 'outside' },
  { to: '/master-keys', label: 'Master Keys', need: 'super-admin', where: 'outside' },
  { to: '/audit', label: 'Audit', need: 'platform:audit:read' },
  // Inside a tenant each long poll is an event itself.
  { to: '/events', label: 'Events', need: 'platform:events:read', where: 'outside' },
  { to: '/webhooks', label: 'Webhooks', need: 'platform:events:read', where: 'outside' },
  { to: '/usage', label: 'Usage', need: 'platform:tenants:read' },
];

/** Whether a view can be shown, outside or inside of a tenant. */
export function isThere({ where }: Place, isInside: boolean): boolean {
  return where === undefined || where === (isInside ? 'inside' : 'outside');
}

export function placeAt(pathname: string): Place | undefined {
  return places.find(({ to }) => to === pathname);
}

/** Title of the browser's tab and history entry. */
export function titleOf(pathname: string): string {
  const label = [
    ...places,
    { to: '/account', label: 'Account' },
    { to: '/device', label: 'Log in a command line' },
  ].find(({ to }) => to === pathname)?.label;
  return label === undefined ? 'Flowplate Keys' : `${label} · Flowplate Keys`;
}
