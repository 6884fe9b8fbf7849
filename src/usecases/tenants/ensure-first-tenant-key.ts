import { type ApiKey, defaultEnvironment } from '../../domain/api-key.ts';
import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { hasEverBeenATenantKey, insertApiKey } from '../../stores/postgres/api-keys.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database, Db } from '../../stores/postgres/database.ts';
import { isThereAPlatformUser, lockPlatformUsers } from '../../stores/postgres/platform-users.ts';
import { apiKeyEvent } from '../api-keys/api-key-changes.ts';
import { issueApiKey } from '../api-keys/issue-api-key.ts';
import { ensureOrganization } from '../organizations/ensure-organization.ts';

export type FirstTenantKey = { secret: string; apiKey: ApiKey };

const organizationName = 'Default';

/**
 * Makes the key with which the first platform user is bootstrapped, of an organization of its own, while there has never been a
 * tenant key and there is no platform user: later it would be a way in beside the one that operators guard. Of several processes that
 * start at once, one makes it; the others answer undefined. `isLost` makes another when the first one was lost.
 */
export async function ensureFirstTenantKey(
  parts: { db: Database; clock: Clock; randomBytes: RandomBytes; keyring: Keyring },
  origin: Origin = systemOrigin,
  { isLost = false }: { isLost?: boolean } = {},
): Promise<FirstTenantKey | undefined> {
  if (!(await isWanted(parts.db, isLost))) return undefined;
  const now = parts.clock.now();
  const organizationId = newId('organization', now, parts.randomBytes);
  const { secret, apiKey, digest } = issueApiKey(parts, { ...first, organizationId }, now);
  return parts.db.transaction().execute(async (tx) => {
    await lockPlatformUsers(tx);
    if (!(await isWanted(tx, isLost))) return undefined;
    const organization = { id: organizationId, name: organizationName, environments: [] };
    await ensureOrganization({ now, randomBytes: parts.randomBytes }, tx, origin, organization);
    await insertApiKey(tx, apiKey, digest);
    await insertAuditEvents(tx, [apiKeyEvent(parts, origin, 'created', apiKey)]);
    return { secret, apiKey };
  });
}

const first = {
  kind: 'tenant' as const,
  name: 'first',
  description: 'Made at the first start, to create the first platform admin with.',
  scopes: ['admin'],
  expiresAt: null,
  environment: defaultEnvironment,
};

async function isWanted(db: Db, isLost: boolean): Promise<boolean> {
  if (await isThereAPlatformUser(db)) return false;
  return isLost || !(await hasEverBeenATenantKey(db));
}
