import { type Caller, originOf } from '../../domain/principal.ts';
import { deleteApiKey as remove } from '../../stores/postgres/api-keys.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { appendKeyChanges } from '../../stores/postgres/key-changes.ts';
import type { Propagation } from '../../stores/postgres/propagation.ts';
import { keyChange } from '../keys/key-events.ts';
import { type ApiKeyChangeParts, apiKeyEvent, lockChangeable } from './api-key-changes.ts';
import { type ApiKeyPrincipal, withinReach } from './within-reach.ts';

/**
 * Removes a key, alive or ended; the audit log keeps what it was. `KEY_NOT_FOUND`, `INSUFFICIENT_PERMISSIONS` for a platform key that
 * holds more than the caller.
 */
export async function deleteApiKey(
  parts: ApiKeyChangeParts,
  caller: Caller<ApiKeyPrincipal>,
  id: string,
): Promise<Propagation> {
  const changeSeq = await withinReach(parts.db, caller.principal, async (tx, reach) => {
    const apiKey = await lockChangeable(tx, reach, caller.principal, id);
    await remove(tx, id);
    await insertAuditEvents(tx, [apiKeyEvent(parts, originOf(caller), 'deleted', apiKey)]);
    // No row has this revision: whatever a cache holds of the key is older.
    return appendKeyChanges(tx, [keyChange({ id, revision: apiKey.revision + 1 })]);
  });
  return parts.propagation.wait(changeSeq);
}
