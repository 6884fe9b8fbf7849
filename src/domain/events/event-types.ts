import type { AuditEventType } from '../audit-event.ts';
import type { EventType } from './event-type.ts';
import { keyEventTypes } from './key-event-types.ts';
import { organizationEventTypes } from './organization-event-types.ts';
import { platformEventTypes } from './platform-event-types.ts';
import { webhookEventTypes } from './webhook-event-types.ts';

/**
 * Registry of what callers see of each type of event. A type of the audit log without an entry does
 * not compile, so that nothing leaves the broker without an allow-list.
 */
export const eventTypes: Record<AuditEventType, EventType> = {
  ...keyEventTypes,
  ...organizationEventTypes,
  ...platformEventTypes,
  ...webhookEventTypes,
};
