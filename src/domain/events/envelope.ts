import type { Actor, ActorKind, AuditEvent, AuditEventType, AuditResult } from '../audit-event.ts';
import type { EventType } from './event-type.ts';
import { eventTypes } from './event-types.ts';
import { isShowable } from './fields.ts';

/** An event as callers see it: the envelope of Standard Webhooks 1.0. */
export type EventEnvelope = {
  type: AuditEventType;
  /** When it happened, RFC 3339 in UTC. */
  timestamp: string;
  data: {
    event_id: string;
    organization_id?: string;
    target_id?: string;
    actor: Actor;
    request_id?: string;
    /** The organization that an operator was impersonating. */
    on_behalf_of?: string;
    /** Where the request came from. That of a person is for streams of the audit log alone. */
    client_address?: string;
    result: AuditResult;
    /** Fields of the type; docs/events.md lists them. */
    details: Record<string, unknown>;
  };
};

/**
 * The envelope of an audit event. It has no secret, digest, metadata, free text or e-mail address:
 * details come through the allow-list of their type, and an id that is one of these is left out.
 */
export function toEnvelope(event: AuditEvent): EventEnvelope {
  const address = machines.includes(event.actor.kind) ? event.clientAddress : null;
  return envelopeOf(event, address);
}

/** The envelope for a stream of the audit log: with the addresses of people as well. */
export function toStreamEnvelope(event: AuditEvent): EventEnvelope {
  return envelopeOf(event, event.clientAddress);
}

/** Actors that are no persons: their addresses are those of backends and gateways. */
const machines: readonly ActorKind[] = ['master_key', 'platform_key', 'tenant_key'];

function envelopeOf(event: AuditEvent, address: string | null): EventEnvelope {
  const { organizationId, targetId, requestId, onBehalfOf, actor } = event;
  return {
    type: event.eventType,
    timestamp: event.createdAt.toISOString(),
    data: {
      event_id: event.id,
      ...shown('organization_id', organizationId),
      ...shown('target_id', targetId),
      actor: { kind: actor.kind, id: isShowable(actor.id) ? actor.id : actor.kind },
      ...shown('request_id', requestId),
      ...shown('on_behalf_of', onBehalfOf),
      ...shown('client_address', address),
      result: event.result,
      details: allowed(event),
    },
  };
}

function shown<Name extends string>(name: Name, id: string | null): { [name in Name]?: string } {
  return id !== null && isShowable(id) ? ({ [name]: id } as { [name in Name]?: string }) : {};
}

/**
 * Each field by itself: one with a strange value is left out, and not the event. Of a type that
 * only a newer release knows, nothing is shown.
 */
function allowed({ eventType, details }: AuditEvent): Record<string, unknown> {
  const type: EventType | undefined = eventTypes[eventType];
  const shown: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(type?.details.shape ?? {})) {
    if (!Object.hasOwn(details, name)) continue;
    const read = field.safeParse(details[name]);
    if (read.success) shown[name] = read.data;
  }
  return shown;
}
