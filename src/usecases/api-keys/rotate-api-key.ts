import type { ApiKey } from '../../domain/api-key.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesKeys } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, requirePlatformPermission } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { statusAt } from '../../domain/user-key.ts';
import { endApiKey, insertApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { type ChangeParts, change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { apiKeyEvent, endsOf, lockChangeable, organizationInside } from './api-key-changes.ts';
import { type CreatedApiKey, toCreatedApiKey } from './created-api-key.ts';
import { type ApiKeyRequest, issueApiKey } from './issue-api-key.ts';
import type { ApiKeyPrincipal } from './within-reach.ts';

/**
 * Replaces an active key by a new one with its own id and secret. The old one ends at once. Name,
 * scopes, roles, environment and expiry carry over. Of two rotations at once one succeeds; the
 * other gets `KEY_NOT_ACTIVE`. `KEY_NOT_FOUND`, `ORGANIZATION_SUSPENDED`,
 * for a platform key `STEP_UP_REQUIRED`, and `INSUFFICIENT_PERMISSIONS` when it has more rights
 * than the caller, or for a tenant key whose organization the caller may not enter.
 */
export async function rotateApiKey(
  parts: ChangeParts & { keyring: Keyring },
  caller: Caller<ApiKeyPrincipal>,
  id: string,
  idempotency?: Idempotency,
): Promise<{ created: CreatedApiKey; propagation: Propagation; isReplay: boolean }> {
  const { principal } = caller;
  const ends = await endsOf(parts, principal, id);
  const options = { by: caller, ends, inside: organizationInside(principal), idempotency };
  const { answer, ...rest } = await change<{ created: CreatedApiKey }>(parts, options, async (tx, now) => {
    const old = await lockChangeable(tx, principal, id);
    await requireRotatable(tx, old, now);
    if (old.kind === 'platform') await requireConfirmed(tx, caller, now);
    else requireMayEnter(principal);
    const { secret, apiKey, digest } = issueApiKey(parts, successorOf(old), now);
    const ended = await endApiKey(tx, old.id, 'superseded', now);
    await insertApiKey(tx, apiKey, digest);
    return {
      answer: { created: toCreatedApiKey({ secret, apiKey }) },
      events: [apiKeyEvent('rotated', apiKey, { previous_key_id: old.id })],
      revokes: revokesKeys([ended]),
    };
  });
  return { ...answer, ...rest };
}

/** The new secret acts inside the organization: who gets it needs the right to. */
function requireMayEnter(principal: ApiKeyPrincipal): void {
  if ('permissions' in principal) requirePlatformPermission(principal, 'platform:impersonate');
}

async function requireRotatable(tx: Tx, old: ApiKey, now: Date): Promise<void> {
  const status = statusAt({ ...old, supersededUntil: null, quarantinedUntil: null }, now);
  if (status !== 'active') throw new FlowplateError('KEY_NOT_ACTIVE', { details: { status } });
  if (old.kind === 'platform') return;
  const organization = await findOrganization(tx, old.organizationId);
  if (organization?.status !== 'active') throw new FlowplateError('ORGANIZATION_SUSPENDED');
}

function successorOf(old: ApiKey): ApiKeyRequest {
  const { name, description, scopes, expiresAt, organizationId, environment, roleIds } = old;
  const carried = { name, description, scopes, expiresAt };
  return old.kind === 'platform'
    ? { ...carried, kind: 'platform', roleIds }
    : { ...carried, kind: 'tenant', organizationId, environment };
}
