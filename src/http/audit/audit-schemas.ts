import { z } from 'zod';
import { type AuditEvent, actorKinds, auditEventTypes } from '../../domain/audit-event.ts';
import { externalIdPattern } from '../../domain/ids.ts';
import { requireReach, type VisibleScope } from '../../domain/principal.ts';
import type { AuditFilter } from '../../usecases/audit/list-audit-events.ts';
import { endTime, requestId, startTime, timestampText } from '../fields.ts';

const results = ['success', 'refused'] as const;
const anId = z.string().regex(externalIdPattern, 'must be an id');

/** Filters of a list or an export. */
export const auditFilterFields = {
  event_type: z.enum(auditEventTypes).optional(),
  from: startTime.optional(),
  to: endTime.optional(),
  actor: anId.optional().describe('Id of the actor'),
  organization_id: anId.optional(),
  target_id: anId.optional().describe('Id of the target: a key, a user, a tenant, a role'),
  result: z.enum(results).optional(),
  request_id: requestId
    .optional()
    .describe(
      'The `x-request-id` of the answer, and the `trace_id` of an error unless the broker traces: what the request did, without mints',
    ),
};

const auditFilter = z.strictObject(auditFilterFields);

/** `ORGANIZATION_NOT_FOUND` when the query names another organization than the impersonated one. */
export function toAuditFilter(
  query: z.output<typeof auditFilter>,
  principal: Pick<VisibleScope, 'organizationIds'>,
): AuditFilter {
  if (query.organization_id !== undefined) requireReach(principal, query.organization_id);
  return {
    eventType: query.event_type,
    from: query.from,
    to: query.to,
    actorId: query.actor,
    organizationId: query.organization_id ?? principal.organizationIds?.[0],
    targetId: query.target_id,
    result: query.result,
    requestId: query.request_id,
  };
}

export const auditEventAnswer = z
  .strictObject({
    id: z.string(),
    event_type: z.enum(auditEventTypes),
    scope: z
      .enum(['platform', 'organization'])
      .describe('Whether the event concerns the platform or one organization'),
    actor: z.strictObject({ kind: z.enum(actorKinds), id: z.string() }),
    organization_id: z.string().nullable(),
    on_behalf_of: z.string().nullable().describe('The organization that an operator was impersonating'),
    target_id: z.string(),
    request_id: z.string().nullable().describe('The `x-request-id` of the request'),
    client_address: z
      .string()
      .nullable()
      .describe('Where the request came from; null where no request was, and once the person is erased'),
    result: z.enum(results),
    details: z.record(z.string(), z.unknown()),
    created_at: timestampText,
  })
  .meta({ id: 'AuditEvent' });

export function toAuditEventAnswer(event: AuditEvent): z.input<typeof auditEventAnswer> {
  const isPlatforms = event.organizationId === null || event.eventType.startsWith('platform.');
  return {
    id: event.id,
    event_type: event.eventType,
    scope: isPlatforms ? 'platform' : 'organization',
    actor: event.actor,
    organization_id: event.organizationId,
    on_behalf_of: event.onBehalfOf,
    target_id: event.targetId,
    request_id: event.requestId,
    client_address: event.clientAddress,
    result: event.result,
    details: event.details,
    created_at: event.createdAt.toISOString(),
  };
}
