import { z } from 'zod';
import type { AuditEventType } from '../audit-event.ts';
import { type EventType, eventType } from './event-type.ts';
import { fields } from './fields.ts';

/** Scheme, host and port of the address. Its path can be secret. */
const origin = z.string().regex(/^https?:\/\/[\w.:[\]-]{1,260}$/);
const webhook = { origin, organization_id: fields.id };
const aWebhook = { origin: 'https://hooks.example.com' };

export const webhookEventTypes = {
  'webhook.created': eventType(
    'A webhook was created.',
    'webhook',
    { ...webhook, enabled: fields.flag },
    { ...aWebhook, enabled: true },
  ),
  'webhook.updated': eventType(
    'A webhook was changed.',
    'webhook',
    { ...webhook, changed: fields.names, enabled: fields.flag },
    { ...aWebhook, changed: ['types'], enabled: true },
  ),
  'webhook.secret_rotated': eventType(
    'A webhook was given a new secret.',
    'webhook',
    { ...webhook, overlap_seconds: fields.count },
    { ...aWebhook, overlap_seconds: 86_400 },
  ),
  'webhook.tested': eventType('A test was sent to a webhook.', 'webhook', webhook, aWebhook),
  'webhook.replayed': eventType(
    'Events were queued for a webhook again.',
    'webhook',
    { ...webhook, count: fields.count, from: fields.time, to: fields.time },
    { ...aWebhook, count: 12 },
  ),
  'webhook.disabled': eventType(
    'The broker disabled a webhook: it answered 410, had a week of nothing but failures, or its organization was deleted.',
    'webhook',
    { ...webhook, reason: z.enum(['gone', 'failing', 'organization_deleted']) },
    { ...aWebhook, reason: 'failing' },
  ),
  'webhook.deleted': eventType('A webhook was deleted.', 'webhook', webhook, aWebhook),
} satisfies Partial<Record<AuditEventType, EventType>>;
