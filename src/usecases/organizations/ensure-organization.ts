import { defaultEnvironment } from '../../domain/api-key.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertEnvironment } from '../../stores/postgres/organizations/environments.ts';
import { insertOrganization } from '../../stores/postgres/organizations/organizations.ts';
import type { EventDraft } from '../change.ts';

/**
 * Creates a missing organization, its `default` environment and those named; returns the audit
 * events.
 */
export async function ensureOrganization(
  { randomBytes }: { randomBytes: RandomBytes },
  tx: Tx,
  wanted: { id: string; name: string; environments: readonly string[] },
  now: Date,
): Promise<EventDraft[]> {
  const { id: organizationId, name } = wanted;
  const events: EventDraft[] = [];
  if (await insertOrganization(tx, { id: organizationId, name, now })) {
    events.push({
      eventType: 'organization.created',
      organizationId,
      targetId: organizationId,
      details: { name },
    });
  }
  for (const slug of new Set([defaultEnvironment, ...wanted.environments])) {
    const id = newId('environment', now, randomBytes);
    if (await insertEnvironment(tx, { id, organizationId, slug, now })) {
      events.push({ eventType: 'environment.created', organizationId, targetId: id, details: { slug } });
    }
  }
  return events;
}
