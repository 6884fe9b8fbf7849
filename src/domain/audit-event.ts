import type { RandomBytes } from './clock.ts';
import { newId } from './ids.ts';

/** Every event type, in one place. An event says who did what to which thing; it never holds a secret. */
export const auditEventTypes = [
  'organization.created',
  'organization.status_changed',
  'environment.created',
  'key.minted',
  'key.refreshed',
  'key.revoked',
  'key.updated',
  'key.expired',
  'master_key.created',
  'master_key.rotated',
  'master_key.revoked',
] as const;

export type AuditEventType = (typeof auditEventTypes)[number];

/** Who caused the change: a master key, a person at the server's own shell, or the server itself (a sweep). */
export type Actor = { kind: 'master_key' | 'shell' | 'system'; id: string };

export type AuditEvent = {
  id: string;
  eventType: AuditEventType;
  actor: Actor;
  organizationId: string | null;
  targetId: string;
  requestId: string | null;
  details: Record<string, unknown>;
  createdAt: Date;
};

/** On whose account a change is written down, and in which request. */
export type Origin = { actor: Actor; requestId: string | null };

export const systemOrigin: Origin = { actor: { kind: 'system', id: 'flowplate' }, requestId: null };

export function newAuditEvent(
  at: { now: Date; randomBytes: RandomBytes },
  origin: Origin,
  event: Pick<AuditEvent, 'eventType' | 'organizationId' | 'targetId' | 'details'>,
): AuditEvent {
  return { id: newId('auditEvent', at.now, at.randomBytes), ...origin, ...event, createdAt: at.now };
}
