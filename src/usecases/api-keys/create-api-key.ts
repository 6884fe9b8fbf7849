import { defaultEnvironment } from '../../domain/api-key.ts';
import { FlowplateError, validationError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type { Caller, OrganizationPrincipal, PlatformPrincipal } from '../../domain/principal.ts';
import { requireFuture } from '../../domain/require-future.ts';
import { requireHolds } from '../../domain/role.ts';
import { insertApiKey, lockEnvironment } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import { requireKnownRoles, rightsOf } from '../platform-users/platform-user-parts.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { apiKeyEvent, organizationInside } from './api-key-changes.ts';
import { type CreatedApiKey, toCreatedApiKey } from './created-api-key.ts';
import { type ApiKeyRequest, issueApiKey } from './issue-api-key.ts';
import type { ApiKeyPrincipal } from './within-reach.ts';

export type CreateApiKeyParts = ChangeParts & { keyring: Keyring };

/** Undefined means not sent. */
export type NewApiKey = {
  name: string;
  description: string | null;
  scopes: string[];
  expiresAt: Date | null;
  isPlatform: boolean;
  roleIds: string[] | undefined;
  environment: string | undefined;
};

/**
 * Creates a key: inside an organization a tenant key, for an operator outside of tenants a platform
 * key. Only this answer has the secret. `INSUFFICIENT_PERMISSIONS` for a platform key created from
 * inside an organization, or with more rights than its creator; `STEP_UP_REQUIRED` for a platform
 * key; `ORGANIZATION_SUSPENDED`; `VALIDATION_ERROR`.
 */
export async function createApiKey(
  parts: CreateApiKeyParts,
  caller: Caller<ApiKeyPrincipal>,
  wanted: NewApiKey,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedApiKey>> {
  const { principal } = caller;
  requireFuture(wanted.expiresAt, parts.clock.now());
  const options = { by: caller, inside: organizationInside(principal), idempotency };
  return change<CreatedApiKey>(parts, options, async (tx, now) => {
    const request =
      'organizationId' in principal
        ? await tenantKey(tx, principal, wanted)
        : await platformKey(tx, principal, wanted, () => requireConfirmed(tx, caller, now));
    const { secret, apiKey, digest } = issueApiKey(parts, request, now);
    await insertApiKey(tx, apiKey, digest);
    return {
      answer: toCreatedApiKey({ secret, apiKey }),
      events: [apiKeyEvent('created', apiKey)],
      revokes: revokesNothing,
    };
  });
}

async function tenantKey(
  tx: Tx,
  { organizationId }: OrganizationPrincipal,
  { isPlatform, roleIds, environment = defaultEnvironment, ...wanted }: NewApiKey,
): Promise<ApiKeyRequest> {
  if (isPlatform) {
    throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
      systemMessage: 'A platform key needs an operator without impersonation',
    });
  }
  if (roleIds !== undefined) {
    throw validationError([{ path: 'role_ids', message: 'is only for platform keys: set platform to true' }]);
  }
  // Verification would refuse the key anyway. An operator can act inside a suspended organization.
  const organization = await findOrganization(tx, organizationId);
  if (organization?.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
  if (!(await lockEnvironment(tx, organizationId, environment))) {
    throw validationError([{ path: 'environment', message: 'is not an environment of this organization' }]);
  }
  return { ...wanted, kind: 'tenant', organizationId, environment };
}

async function platformKey(
  tx: Tx,
  operator: PlatformPrincipal,
  { isPlatform, environment, roleIds = [...operator.roleIds], ...wanted }: NewApiKey,
  requireStepUp: () => Promise<void>,
): Promise<ApiKeyRequest> {
  if (!isPlatform) {
    throw validationError([
      { path: 'X-Flowplate-Org', message: 'must name the organization; or set platform to true' },
    ]);
  }
  if (environment !== undefined) {
    throw validationError([{ path: 'environment', message: 'is only for tenant keys' }]);
  }
  if (roleIds.length === 0) {
    throw new FlowplateError('INSUFFICIENT_PERMISSIONS', {
      systemMessage: 'An operator without roles cannot create a platform key',
    });
  }
  // Roles cannot change meanwhile: the operator's rights are locked until the commit
  // (usecases/authority.ts).
  await requireKnownRoles(tx, roleIds);
  requireHolds(operator, await rightsOf(tx, roleIds));
  await requireStepUp();
  return { ...wanted, kind: 'platform', roleIds };
}
