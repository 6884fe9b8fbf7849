import { createContext, useContext } from 'react';
import type { Role } from '../api/client.ts';
import type { paths } from '../api/schema.d.ts';
import { type Inside, insideOf } from './inside.ts';

export type Me = paths['/api/v1/platform/auth/me']['get']['responses'][200]['content']['application/json'];

export type Permission = Me['permissions'][number];

export const superAdminRoleId = 'role_platform_admin';

/** Right that a view needs before it offers an action. The server checks it again. */
export type Need = Permission | 'super-admin';

export function may(me: Me, need: Need): boolean {
  return need === 'super-admin' ? me.role_ids.includes(superAdminRoleId) : me.permissions.includes(need);
}

/** Whether an operator holds all rights of a role. Others they neither grant nor take away. */
export function holds(me: Me, { id, permissions }: Pick<Role, 'id' | 'permissions'>): boolean {
  const isWithin = permissions.every((permission) => may(me, permission));
  return isWithin && (id !== superAdminRoleId || may(me, 'super-admin'));
}

export const MeContext = createContext<Me | null>(null);

/** The logged-in operator, their permissions, and the impersonated tenant, if any. */
export function useOwn(): { me: Me; may: (need: Need) => boolean; inside: Inside | undefined } {
  const me = useContext(MeContext);
  if (me === null) throw new Error('used outside of the shell');
  return { me, may: (need) => may(me, need), inside: insideOf(me.id) };
}
