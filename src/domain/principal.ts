import type { ActorKind, Origin } from './audit-event.ts';
import { FlowplateError } from './errors.ts';
import type { MasterKeyPermission, PlatformPermission } from './permission.ts';
import { superAdminRoleId } from './role.ts';

/** The authenticated party behind a credential: the part that all kinds share. */
export type Principal = { kind: ActorKind; id: string; name: string };

/** Organizations and environments that a principal can see. A `null` list allows all. */
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
    /** All, or the one that the request is confined to by impersonation. */
    organizationIds: readonly string[] | null;
    /** The session of a platform user's token; null for a key. */
    sessionId: string | null;
    /** Whether the deployment wants a second factor of this session first. */
    lacksSecondFactor: boolean;
  };

/** A caller inside one organization: its own key, or an operator who impersonates it. */
export type OrganizationPrincipal = Principal & {
  kind: 'tenant_key' | PlatformPrincipal['kind'];
  organizationId: string;
  /** The operator who impersonates; null for the organization's own key. */
  impersonator: PlatformPrincipal | null;
};

/** An API user of the `/users` interface. */
export type ApiUserPrincipal = Principal & {
  kind: 'api_user';
  role: 'user' | 'admin';
  /** Id of the presented key. */
  keyId: string;
};

/** The anonymous caller, for public operations such as login. */
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

/** A principal in the context of one request. */
export type Caller<P extends Principal = Principal & VisibleScope> = {
  principal: P;
  requestId: string;
  address?: string | undefined;
};

export function originOf({ principal, requestId, address }: Caller<Principal>): Origin {
  const actor = { kind: principal.kind, id: principal.id };
  return { actor, requestId, onBehalfOf: impersonatedBy(principal), clientAddress: address ?? null };
}

/** The organization that an operator impersonates with this request; null otherwise. */
function impersonatedBy(principal: Principal): string | null {
  if (isOrganizationCaller(principal)) {
    return principal.impersonator === null ? null : principal.organizationId;
  }
  return isPlatformCaller(principal) ? (principal.organizationIds?.[0] ?? null) : null;
}

/** Organization of a principal that acts inside one; null otherwise. */
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

/**
 * Whether an operator acts in their own name. An impersonating one is an `OrganizationPrincipal`.
 */
export function isPlatformCaller(principal: Principal): principal is PlatformPrincipal {
  return 'sessionId' in principal;
}

export function isMasterKey(principal: Principal): principal is MasterKeyPrincipal {
  return principal.kind === 'master_key';
}

/** Whether the principal can see keys of this organization and environment. */
export function isVisibleTo(reach: VisibleScope, organizationId: string, environment: string): boolean {
  return (
    (reach.organizationIds?.includes(organizationId) ?? true) &&
    (reach.environments?.includes(environment) ?? true)
  );
}

/** `ORGANIZATION_NOT_FOUND` for another organization than the impersonated one. */
export function requireReach({ organizationIds }: Pick<VisibleScope, 'organizationIds'>, id: string): void {
  if (organizationIds !== null && !organizationIds.includes(id)) {
    throw new FlowplateError('ORGANIZATION_NOT_FOUND');
  }
}

/**
 * The same check for a mint. Here a refusal may be explicit, because no key exists yet that it
 * could reveal.
 */
export function requireVisible(reach: VisibleScope, organizationId: string, environment: string): void {
  if (isVisibleTo(reach, organizationId, environment)) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'This master key is not allowed in that organization and environment',
  });
}
