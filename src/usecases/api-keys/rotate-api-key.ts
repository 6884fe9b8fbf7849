import type { ApiKey } from '../../domain/api-key.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { statusAt } from '../../domain/key.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type Caller, originOf } from '../../domain/principal.ts';
import type { Turns } from '../../domain/turns.ts';
import { insertApiKey, revokeApiKey } from '../../stores/postgres/api-keys.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import { findOrganization } from '../../stores/postgres/organizations.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import { replayable } from '../replay.ts';
import { type ApiKeyChangeParts, apiKeyEvent, lockChangeable } from './api-key-changes.ts';
import { type CreatedApiKey, toCreatedApiKey } from './created-api-key.ts';
import { type ApiKeyRequest, issueApiKey } from './issue-api-key.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

export type RotateApiKeyParts = ApiKeyChangeParts & { keyring: Keyring; turns: Turns };

type Rotated = { created: CreatedApiKey; changeSeq: number | undefined };

/**
 * Puts a new key, with its own id and secret, in the place of an active one, which dies at once. Name, scopes, roles, environment and
 * expiry carry over. Of two at once one succeeds; the other finds a key that has ended: `KEY_NOT_ACTIVE`. `KEY_NOT_FOUND`,
 * `INSUFFICIENT_PERMISSIONS` for a platform key that holds more than the caller, `ORGANIZATION_SUSPENDED`.
 */
export async function rotateApiKey(
  parts: RotateApiKeyParts,
  caller: Caller<ApiKeyPrincipal>,
  id: string,
  idempotency?: Idempotency,
): Promise<{ created: CreatedApiKey; propagation: Propagation; isReplay: boolean }> {
  const now = parts.clock.now();
  const { answer, isReplay } = await replayable<Rotated>({ ...parts, now }, idempotency, (keep) =>
    withinReach(parts.db, caller.principal, async (tx, reach) => {
      const old = await lockChangeable(tx, reach, caller.principal, id);
      await requireRotatable(tx, old, now);
      const { secret, apiKey, digest } = issueApiKey(parts, successorOf(old), now);
      const revoked = await revokeApiKey(tx, old.id, now);
      await insertApiKey(tx, apiKey, digest);
      const event = apiKeyEvent(parts, originOf(caller), 'rotated', apiKey, { previous_key_id: old.id });
      await insertAuditEvents(tx, [event]);
      const created = toCreatedApiKey({ secret, apiKey });
      const rotated = { created, changeSeq: await appendKeyChanges(tx, [keyChange(revoked)]) };
      await keep(tx, rotated);
      return rotated;
    }),
  );
  const propagation = await parts.propagation.wait(answer.changeSeq);
  return { created: answer.created, propagation, isReplay };
}

async function requireRotatable(tx: Tx, old: ApiKey, now: Date): Promise<void> {
  const status = statusAt({ ...old, supersededUntil: null }, now);
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
