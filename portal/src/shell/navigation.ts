import type { Need } from '../session/me.ts';

export type Place = { to: string; label: string; need: Need };

/** What the side bar offers, in this order, to whoever may see it. */
export const places: readonly Place[] = [
  { to: '/users', label: 'Users', need: 'platform:users:read' },
  { to: '/api-keys', label: 'API Keys', need: 'platform:keys:read' },
  { to: '/hidden-keys', label: 'Hidden Keys', need: 'platform:hidden_keys:read' },
  { to: '/tenants', label: 'Tenants', need: 'platform:tenants:read' },
  { to: '/audit', label: 'Audit', need: 'platform:audit:read' },
];
