import { defaultEnvironment } from '../../domain/api-key.ts';
import { type AuditEventType, newAuditEvent, type Origin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertEnvironment } from '../../stores/postgres/environments.ts';
import { insertOrganization } from '../../stores/postgres/organizations.ts';

/** Adds what is missing of an organization, its `default` environment and those named, and writes down what it added. */
export async function ensureOrganization(
  at: { now: Date; randomBytes: RandomBytes },
  tx: Tx,
  origin: Origin,
  wanted: { id: string; name: string; environments: readonly string[] },
): Promise<void> {
  const { id: organizationId, name } = wanted;
  const { now } = at;
  const event = (eventType: AuditEventType, targetId: string, details: Record<string, unknown>) =>
    newAuditEvent(at, origin, { eventType, organizationId, targetId, details });
  const events = [];
  if (await insertOrganization(tx, { id: organizationId, name, now })) {
    events.push(event('organization.created', organizationId, { name }));
  }
  for (const slug of new Set([defaultEnvironment, ...wanted.environments])) {
    const id = newId('environment', now, at.randomBytes);
    if (await insertEnvironment(tx, { id, organizationId, slug, now })) {
      events.push(event('environment.created', id, { slug }));
    }
  }
  await insertAuditEvents(tx, events);
}
