import type { ApiKey } from '../../domain/api-key.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { isOrganizationCaller, queueOf } from '../../domain/principal.ts';
import { requireHolds } from '../../domain/role.ts';
import { findApiKey, lockApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import type { ChangeParts, EventDraft } from '../change.ts';
import { rightsOf } from '../platform-users/platform-user-parts.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

/**
 * Organization whose database role a change of keys uses; undefined for an operator outside of
 * tenants.
 */
export function organizationInside(principal: ApiKeyPrincipal): string | undefined {
  return isOrganizationCaller(principal) ? principal.organizationId : undefined;
}

/**
 * The rights that the end of this key takes away. None for an id that is out of reach: callers of
 * another organization would wait for the lock of theirs.
 */
export function endsOf(
  { db, connections }: Pick<ChangeParts, 'db' | 'connections'>,
  principal: ApiKeyPrincipal,
  id: string,
): Promise<readonly string[]> {
  const find = () =>
    withinReach(db, principal, async (tx, reach) =>
      (await findApiKey(tx, reach, id)) === undefined ? [] : [id],
    );
  return connections.run(queueOf(principal), find);
}

/**
 * Locks the key if this principal may change it. `KEY_NOT_FOUND` when none is visible.
 * `INSUFFICIENT_PERMISSIONS` for a platform key with more rights than the caller, who would gain
 * them by a rotation.
 */
export async function lockChangeable(
  tx: Tx,
  principal: ApiKeyPrincipal | undefined,
  id: string,
): Promise<ApiKey> {
  const organizationId = (principal && organizationInside(principal)) ?? null;
  const apiKey = await lockApiKey(tx, { organizationId }, id);
  if (apiKey === undefined) throw new FlowplateError('KEY_NOT_FOUND');
  if (apiKey.kind === 'platform' && principal !== undefined && 'permissions' in principal) {
    requireHolds(principal, await rightsOf(tx, apiKey.roleIds));
  }
  return apiKey;
}

/** Audit event about a tenant or platform key: its name and rights, never its secret or digest. */
export function apiKeyEvent(
  change: 'created' | 'rotated' | 'revoked' | 'deleted',
  apiKey: ApiKey,
  details: Record<string, unknown> = {},
): EventDraft {
  const { kind, name, keyPrefix: key_prefix, scopes } = apiKey;
  const isPlatform = kind === 'platform';
  return {
    eventType: `${kind}.key.${change}`,
    organizationId: isPlatform ? null : apiKey.organizationId,
    targetId: apiKey.id,
    details: {
      name,
      key_prefix,
      scopes,
      ...(isPlatform ? { role_ids: apiKey.roleIds } : { environment: apiKey.environment }),
      ...details,
    },
  };
}
