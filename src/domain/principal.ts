import type { Origin } from './audit-event.ts';
import { FlowplateError } from './errors.ts';
import type { MasterKeyPermission } from './permission.ts';

/** Who a credential stands for. A `null` allow-list allows all. */
export type Principal = {
  kind: 'master_key';
  id: string;
  name: string;
  permissions: readonly MasterKeyPermission[];
  organizationIds: readonly string[] | null;
  environments: readonly string[] | null;
};

export function requirePermission(principal: Principal, permission: MasterKeyPermission): void {
  if (principal.permissions.includes(permission)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `This master key does not hold ${permission}`,
    details: { required_permission: permission },
  });
}

/** A principal in the middle of one request. */
export type Caller = { principal: Principal; requestId: string };

export function originOf(caller: Caller): Origin {
  return { actor: { kind: caller.principal.kind, id: caller.principal.id }, requestId: caller.requestId };
}

/** Whether keys of this organization and environment exist at all for this principal. */
export function isVisibleTo(principal: Principal, organizationId: string, environment: string): boolean {
  return (
    (principal.organizationIds?.includes(organizationId) ?? true) &&
    (principal.environments?.includes(environment) ?? true)
  );
}

/** For a mint, where there is no key yet to be hidden: says plainly that the allow-list does not reach so far. */
export function requireVisible(principal: Principal, organizationId: string, environment: string): void {
  if (isVisibleTo(principal, organizationId, environment)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'This master key is not allowed in that organization and environment',
  });
}
