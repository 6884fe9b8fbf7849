import { type ApiKey, defaultEnvironment } from '../../domain/api-key.ts';
import { type Origin, systemOrigin } from '../../domain/audit-event.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { hasEverBeenATenantKey, insertApiKey } from '../../stores/postgres/api-keys/api-keys.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { isThereAPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { apiKeyEvent } from '../api-keys/api-key-changes.ts';
import { issueApiKey } from '../api-keys/issue-api-key.ts';
import { type ChangeParts, commitChange } from '../change.ts';
import { ensureOrganization } from './ensure-organization.ts';

export type FirstTenantKey = { secret: string; apiKey: ApiKey };

const organizationName = 'Default';

/**
 * Creates the key that bootstraps the first platform user, in an organization of its own. It exists
 * only while there never was a tenant key and there is no platform user: later it would be a second
 * way in. Of several processes that start at once, one creates it; the others return undefined.
 * `isLost` creates another one.
 */
export async function ensureFirstTenantKey(
  parts: ChangeParts & { keyring: Keyring },
  by: Origin = systemOrigin,
  { isLost = false }: { isLost?: boolean } = {},
): Promise<FirstTenantKey | undefined> {
  if (!(await isWanted(parts.db, isLost))) return undefined;
  const options = { by, ends: 'operators' } as const;
  const { answer } = await commitChange<{ made?: FirstTenantKey }>(parts, options, async (tx, now) => {
    if (!(await isWanted(tx, isLost))) return { answer: {}, events: [], revokes: revokesNothing };
    const id = newId('organization', now, parts.randomBytes);
    const { secret, apiKey, digest } = issueApiKey(parts, { ...first, organizationId: id }, now);
    const organization = { id, name: organizationName, environments: [] };
    const events = await ensureOrganization(parts, tx, organization, now);
    await insertApiKey(tx, apiKey, digest);
    return {
      answer: { made: { secret, apiKey } },
      events: [...events, apiKeyEvent('created', apiKey)],
      revokes: revokesNothing,
    };
  });
  return answer.made;
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
