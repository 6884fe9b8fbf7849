import type { Origin } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import { FlowplateError } from '../domain/errors.ts';
import {
  type ApiUserPrincipal,
  type Caller,
  isMasterKey,
  isOrganizationCaller,
  isPlatformCaller,
  type OrganizationPrincipal,
  type PlatformPrincipal,
  type Principal,
} from '../domain/principal.ts';
import { findApiKeyHolder } from '../stores/postgres/api-keys/api-keys.ts';
import { findApiUser } from '../stores/postgres/api-users.ts';
import { holdMasterKey, isKeyActive, lockAuthorities } from '../stores/postgres/authority.ts';
import type { Database, Tx } from '../stores/postgres/database.ts';
import { findOrganization } from '../stores/postgres/organizations/organizations.ts';
import { listPermissionsOf } from '../stores/postgres/platform-users/roles.ts';
import { findSessionHolder } from '../stores/postgres/sessions/sessions.ts';

/**
 * Rights that a change ends: of a master key, a key or an API user by id, of an organization by id,
 * or those from platform users, roles and sessions (`operators`).
 */
export type Ends = readonly string[] | 'operators';

/**
 * Checks the caller's rights again inside the transaction of its change, and locks them until the
 * commit. A request may be admitted long before its body arrives. Without this, a revoked
 * credential could still change something after its revoke was answered. Errors:
 * `AUTHENTICATION_REQUIRED`, `INSUFFICIENT_PERMISSIONS`, `ORGANIZATION_SUSPENDED`,
 * `ORGANIZATION_NOT_FOUND`.
 */
export async function holdAuthority(
  tx: Tx,
  principal: Principal | undefined,
  ends: Ends,
  now: Date,
): Promise<void> {
  await lockAuthorities(tx, {
    used: principal === undefined ? [] : idsUsedBy(principal),
    ended: ends === 'operators' ? [] : ends,
    operators: ends === 'operators' ? 'ended' : usesPlatformRights(principal) ? 'used' : undefined,
  });
  if (principal === undefined) return;
  if (isMasterKey(principal)) {
    if (!(await holdMasterKey(tx, principal.id))) throw credentialEnded();
  } else if (isOrganizationCaller(principal)) await requireOrganization(tx, principal, now);
  else if (isPlatformCaller(principal)) await requirePlatformCaller(tx, principal, now);
  else if (principal.kind === 'api_user') await requireApiUser(tx, principal as ApiUserPrincipal, now);
}

/** The same check for an answer that changes nothing but repeats a stored secret. */
export async function requireStillAuthorized(
  { db, clock }: { db: Database; clock: Clock },
  by: Caller<Principal> | Origin,
): Promise<void> {
  if (!('principal' in by)) return;
  await db.transaction().execute((tx) => holdAuthority(tx, by.principal, [], clock.now()));
}

function idsUsedBy(principal: Principal): string[] {
  if (isMasterKey(principal)) return [];
  if (isOrganizationCaller(principal)) {
    const { impersonator, organizationId, id } = principal;
    return impersonator === null ? [id, organizationId] : [...idsUsedBy(impersonator), organizationId];
  }
  return principal.kind === 'platform_key' || principal.kind === 'api_user' ? [principal.id] : [];
}

function usesPlatformRights(principal: Principal | undefined): boolean {
  if (principal === undefined) return false;
  return isOrganizationCaller(principal) ? principal.impersonator !== null : isPlatformCaller(principal);
}

async function requireOrganization(tx: Tx, principal: OrganizationPrincipal, now: Date): Promise<void> {
  const organization = await findOrganization(tx, principal.organizationId);
  if (principal.impersonator !== null) {
    if (organization === undefined || organization.status === 'deleted') {
      throw new FlowplateError('ORGANIZATION_NOT_FOUND');
    }
    return requirePlatformCaller(tx, principal.impersonator, now);
  }
  if (!(await isKeyActive(tx, principal.id, now))) throw credentialEnded();
  if (organization?.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
}

/** The permissions that admitted the operator must still be held; others do not matter. */
async function requirePlatformCaller(tx: Tx, principal: PlatformPrincipal, now: Date): Promise<void> {
  const rights =
    principal.kind === 'platform_key'
      ? await rightsOfPlatformKey(tx, principal.id, now)
      : await findSessionHolder(tx, principal.sessionId ?? '', now);
  if (rights === undefined) throw credentialEnded();
  const isLost =
    principal.permissions.some((permission) => !rights.permissions.includes(permission)) ||
    principal.roleIds.some((id) => !rights.roleIds.includes(id));
  if (!isLost) return;
  throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
    systemMessage: 'This operator lost rights during the request',
  });
}

async function rightsOfPlatformKey(tx: Tx, id: string, now: Date) {
  const holder = (await isKeyActive(tx, id, now)) ? await findApiKeyHolder(tx, id) : undefined;
  if (holder === undefined) return undefined;
  return { roleIds: holder.roleIds, permissions: await listPermissionsOf(tx, holder.roleIds) };
}

async function requireApiUser(tx: Tx, principal: ApiUserPrincipal, now: Date): Promise<void> {
  const user = await findApiUser(tx, principal.id);
  if (!user?.isActive || !(await isKeyActive(tx, principal.keyId, now))) throw credentialEnded();
  if (user.role !== principal.role) {
    throw new FlowplateError('INSUFFICIENT_PERMISSIONS', { details: { required_role: principal.role } });
  }
}

/** Refusal for a credential that ended during its request. */
export function credentialEnded(): FlowplateError {
  return new FlowplateError('AUTHENTICATION_REQUIRED', {
    systemMessage: 'The credential ended during the request',
  });
}
