import type { ActorKind, Origin } from './audit-event.ts';
import { FlowplateError } from './errors.ts';
import type { MasterKeyPermission, PlatformPermission } from './permission.ts';
import { superAdminRoleId } from './role.ts';

/** Who a credential stands for: what all of them have in common. */
export type Principal = { kind: ActorKind; id: string; name: string };

/** Where a principal may look. A `null` list allows all. */
export type VisibleScope = {
  organizationIds: readonly string[] | null;
  environments: readonly string[] | null;
};

/** An internal backend or a gateway. */
export type MasterKeyPrincipal = Principal &
  VisibleScope & { kind: 'master_key'; permissions: readonly MasterKeyPermission[] };

/** A platform user, or a platform key in the place of one. */
export type PlatformPrincipal = Principal &
  VisibleScope & {
    kind: 'platform_user' | 'platform_key';
    roleIds: readonly string[];
    permissions: readonly PlatformPermission[];
    /** The session of a platform user's token; null for a key. */
    sessionId: string | null;
  };

/** Somebody inside one organization: its own key, or an operator who impersonates it. */
export type OrganizationPrincipal = Principal & {
  kind: 'tenant_key' | PlatformPrincipal['kind'];
  organizationId: string;
  /** The operator behind an impersonation; null for the organization's own key. */
  impersonator: PlatformPrincipal | null;
};

/** An API user of seed `003`. */
export type ApiUserPrincipal = Principal & {
  kind: 'api_user';
  role: 'user' | 'admin';
  /** The key that the user came with. */
  keyId: string;
};

/**
 * Nobody in particular: for the few operations that make somebody out of a caller, such as a login.
 */
export const anybody: Principal = { kind: 'anybody', id: 'anybody', name: 'anybody' };

export function requireMasterKeyPermission(
  principal: MasterKeyPrincipal,
  permission: MasterKeyPermission,
): void {
  if (!principal.permissions.includes(permission)) throw insufficient('This master key', permission);
}

export function requirePlatformPermission(
  principal: PlatformPrincipal,
  permission: PlatformPermission,
): void {
  if (!principal.permissions.includes(permission)) throw insufficient('This operator', permission);
}

export function requireSuperAdmin(principal: PlatformPrincipal): void {
  if (principal.roleIds.includes(superAdminRoleId)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'Only a super-admin may do this',
    details: { required_role: superAdminRoleId },
  });
}

function insufficient(who: string, permission: string): FlowplateError {
  return new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: `${who} does not hold ${permission}`,
    details: { required_permission: permission },
  });
}

/** A principal in the middle of one request. */
export type Caller<P extends Principal = Principal & VisibleScope> = { principal: P; requestId: string };

export function originOf({ principal, requestId }: Caller<Principal>): Origin {
  const actor = { kind: principal.kind, id: principal.id };
  const onBehalfOf =
    isOrganizationCaller(principal) && principal.impersonator !== null ? principal.organizationId : null;
  return { actor, requestId, onBehalfOf };
}

/** The organization that a principal is inside of, and null for one that is inside none. */
export function organizationOf(principal: Principal): string | null {
  return isOrganizationCaller(principal) ? principal.organizationId : null;
}

/**
 * The queue of a principal where callers take turns. An organization has one, however many keys it
 * makes for itself.
 */
export function queueOf(principal: Principal): string {
  return isOrganizationCaller(principal) && principal.impersonator === null
    ? principal.organizationId
    : principal.id;
}

export function isOrganizationCaller(principal: Principal): principal is OrganizationPrincipal {
  return 'impersonator' in principal;
}

/** An operator in their own name; one who acts inside a tenant is a `TenantPrincipal`. */
export function isPlatformCaller(principal: Principal): principal is PlatformPrincipal {
  return 'sessionId' in principal;
}

export function isMasterKey(principal: Principal): principal is MasterKeyPrincipal {
  return principal.kind === 'master_key';
}

/** Whether keys of this organization and environment exist at all for this principal. */
export function isVisibleTo(reach: VisibleScope, organizationId: string, environment: string): boolean {
  return (
    (reach.organizationIds?.includes(organizationId) ?? true) &&
    (reach.environments?.includes(environment) ?? true)
  );
}

/**
 * For a mint, where there is no key yet to be hidden: says plainly that the allow-list does not
 * reach so far.
 */
export function requireVisible(reach: VisibleScope, organizationId: string, environment: string): void {
  if (isVisibleTo(reach, organizationId, environment)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'This master key is not allowed in that organization and environment',
  });
}
