import { revokesKeys } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { deleteApiKey as remove } from '../../stores/postgres/api-keys/api-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { apiKeyEvent, endsOf, lockChangeable, organizationInside } from './api-key-changes.ts';
import type { ApiKeyPrincipal } from './within-reach.ts';

/**
 * Deletes a key, active or ended; the audit log keeps its history. `KEY_NOT_FOUND`;
 * `INSUFFICIENT_PERMISSIONS` for a platform key with more rights than the caller.
 */
export async function deleteApiKey(
  parts: ChangeParts,
  caller: Caller<ApiKeyPrincipal>,
  id: string,
  reason: RevocationReason = 'unspecified',
): Promise<Propagation> {
  const { principal } = caller;
  const ends = await endsOf(parts, principal, id);
  const options = { by: caller, ends, inside: organizationInside(principal) };
  const { propagation } = await change(parts, options, async (tx) => {
    const apiKey = await lockChangeable(tx, principal, id);
    await remove(tx, id);
    return {
      answer: {},
      events: [apiKeyEvent('deleted', apiKey, { reason })],
      // Higher than any stored revision, so every cached record is older.
      revokes: revokesKeys([{ ...apiKey, revision: apiKey.revision + 1 }]),
    };
  });
  return propagation;
}
