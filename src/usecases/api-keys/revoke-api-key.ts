import type { ApiKey } from '../../domain/api-key.ts';
import { statusAt } from '../../domain/key.ts';
import { type Caller, originOf } from '../../domain/principal.ts';
import { revokeApiKey as revoke } from '../../stores/postgres/api-keys.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { appendKeyChanges, findLastKeyChangeSeq } from '../../stores/postgres/key-changes.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import { type ApiKeyChangeParts, apiKeyEvent, lockChangeable } from './api-key-changes.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

/**
 * Ends a key for ever; it stays to be seen. One that has ended already stays as it is, which is a success. `KEY_NOT_FOUND`,
 * `INSUFFICIENT_PERMISSIONS` for a platform key that holds more than the caller.
 */
export async function revokeApiKey(
  parts: ApiKeyChangeParts,
  caller: Caller<ApiKeyPrincipal>,
  id: string,
): Promise<{ apiKey: ApiKey; propagation: Propagation }> {
  const now = parts.clock.now();
  const { apiKey, changeSeq } = await withinReach(parts.db, caller.principal, async (tx, reach) => {
    const found = await lockChangeable(tx, reach, caller.principal, id);
    // Whoever asks again is told "complete" no sooner than whoever asked first: that change is somewhere before the feed's end.
    if (statusAt({ ...found, supersededUntil: null }, now) !== 'active') {
      return { apiKey: found, changeSeq: await findLastKeyChangeSeq(tx) };
    }
    const revoked = await revoke(tx, id, now);
    await insertAuditEvents(tx, [apiKeyEvent(parts, originOf(caller), 'revoked', revoked)]);
    return { apiKey: revoked, changeSeq: await appendKeyChanges(tx, [keyChange(revoked)]) };
  });
  return { apiKey, propagation: await parts.propagation.wait(changeSeq) };
}
