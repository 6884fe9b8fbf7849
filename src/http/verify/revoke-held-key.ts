import type { Actor, Origin } from '../../domain/audit-event.ts';
import { type ErrorCode, FlowplateError } from '../../domain/errors.ts';
import type { SecretKind } from '../../domain/key-format.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { revokeApiKey } from '../../usecases/api-keys/revoke-api-key.ts';
import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { revokeApiUserKey } from '../../usecases/api-users/revoke-api-user-key.ts';
import { revokeMasterKey } from '../../usecases/master-keys/revoke-master-key.ts';
import { revokeKey } from '../../usecases/user-keys/revoke-key.ts';

export type RevokeHeldParts = ApiUserParts;

/** A key whose secret was presented. `userId`: of an API user's key, whose it is. */
export type HeldKey =
  | { kind: Exclude<SecretKind, 'master'>; id: string; userId: string }
  | { kind: 'master'; id: string };

/**
 * Ends a key on the word of somebody who holds its secret, without further rights
 * (docs/decisions/0050): one use case for each kind. The key itself is the actor in the audit log.
 * A key that has ended, also meanwhile, stays as it is.
 */
export async function revokeHeldKey(
  parts: RevokeHeldParts,
  key: HeldKey,
  {
    reason,
    requestId,
    address,
  }: { reason: RevocationReason; requestId: string; address: string | undefined },
): Promise<void> {
  const by = { actor: actorOf(key), requestId, clientAddress: address ?? null };
  try {
    await end(parts, by, key, reason);
  } catch (error) {
    if (!(error instanceof FlowplateError) || !isGone.includes(error.code)) throw error;
  }
}

/** Deleted since it was looked up. */
const isGone: readonly ErrorCode[] = ['KEY_NOT_FOUND', 'MASTER_KEY_NOT_FOUND'];

function end(parts: RevokeHeldParts, by: Origin, key: HeldKey, reason: RevocationReason): Promise<unknown> {
  switch (key.kind) {
    case 'user':
      return revokeKey(parts, by, key.id, reason);
    case 'master':
      return revokeMasterKey(parts, by, key.id, reason);
    case 'apiUser':
      return revokeApiUserKey(parts, by, { keyId: key.id, userId: key.userId }, reason);
    default:
      return revokeApiKey(parts, by, key.id, reason);
  }
}

function actorOf(key: HeldKey): Actor {
  switch (key.kind) {
    case 'user':
      return { kind: 'user_key', id: key.id };
    case 'master':
      return { kind: 'master_key', id: key.id };
    case 'apiUser':
      return { kind: 'api_user', id: key.userId };
    case 'tenant':
      return { kind: 'tenant_key', id: key.id };
    case 'platform':
      return { kind: 'platform_key', id: key.id };
  }
}
