import type { ApiKey } from '../../domain/api-key.ts';
import { type AuditEvent, newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { requireHolds } from '../../domain/role.ts';
import { type ApiKeyReach, lockApiKey } from '../../stores/postgres/api-keys.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import type { PropagationWatch } from '../../stores/postgres/propagation.ts';
import { holdingOf } from '../operators/operator-parts.ts';
import type { ApiKeyPrincipal } from './within-reach.ts';

/** What everything that ends a key takes. */
export type ApiKeyChangeParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  propagation: PropagationWatch;
};

/**
 * The key, locked, if this principal may change it. `KEY_NOT_FOUND` when there is none in reach; `INSUFFICIENT_PERMISSIONS` for a
 * platform key that holds more than they do: whoever could rotate it would have its rights.
 */
export async function lockChangeable(
  tx: Tx,
  reach: ApiKeyReach,
  principal: ApiKeyPrincipal,
  id: string,
): Promise<ApiKey> {
  const apiKey = await lockApiKey(tx, reach, id);
  if (apiKey === undefined) throw new FlowplateError('KEY_NOT_FOUND');
  if (apiKey.kind === 'platform' && 'permissions' in principal) {
    requireHolds(principal, await holdingOf(tx, apiKey.roleIds));
  }
  return apiKey;
}

/** What the audit log says of a tenant or platform key: what it is and opens, never the secret or its digest. */
export function apiKeyEvent(
  parts: { clock: Clock; randomBytes: RandomBytes },
  origin: Origin,
  change: 'created' | 'rotated' | 'revoked' | 'deleted',
  apiKey: ApiKey,
  details: Record<string, unknown> = {},
): AuditEvent {
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  const { kind, name, keyPrefix: key_prefix, scopes } = apiKey;
  const isPlatform = kind === 'platform';
  return newAuditEvent(at, origin, {
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
  });
}
