import type { ApiKey } from '../../domain/api-key.ts';
import type { Origin } from '../../domain/audit-event.ts';
import { placesOf, revokesKeys } from '../../domain/key-change.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
import { endApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import { type ChangeParts, change } from '../change.ts';
import { apiKeyEvent, endsOf, lockChangeable, organizationInside } from './api-key-changes.ts';
import type { ApiKeyPrincipal } from './within-reach.ts';

/**
 * Revokes a key; its row stays visible. A key that has already ended stays unchanged, which is a
 * success. `KEY_NOT_FOUND`; `INSUFFICIENT_PERMISSIONS` for a platform key with more rights than the
 * caller. An origin without rights to check may end every key.
 */
export async function revokeApiKey(
  parts: ChangeParts,
  by: Caller<ApiKeyPrincipal> | Origin,
  id: string,
  reason: RevocationReason = 'unspecified',
): Promise<{ apiKey: ApiKey; propagation: Propagation }> {
  const principal = 'principal' in by ? by.principal : undefined;
  const ends = principal === undefined ? [id] : await endsOf(parts, principal, id);
  const options = { by, ends, inside: principal && organizationInside(principal) };
  const { answer, propagation } = await change<{ apiKey: ApiKey }>(parts, options, async (tx, now) => {
    const found = await lockChangeable(tx, principal, id);
    if (found.status !== 'active') {
      const audience = { places: placesOf([found]) };
      return { answer: { apiKey: found }, events: [], revokes: { alreadyTold: true, audience } };
    }
    const ended = await endApiKey(tx, id, reason, now);
    return {
      answer: { apiKey: ended },
      events: [apiKeyEvent('revoked', ended, { status: ended.status, reason })],
      revokes: revokesKeys([ended]),
    };
  });
  return { ...answer, propagation };
}
