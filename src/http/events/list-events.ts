import { z } from 'zod';
import { type AuditEventType, actorKinds, auditEventTypes } from '../../domain/audit-event.ts';
import { toEnvelope } from '../../domain/events/envelope.ts';
import { eventsStart, readEventCursor, toEventCursor } from '../../domain/events/event-position.ts';
import { externalIdPattern } from '../../domain/ids.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import { type PlatformPrincipal, requireReach } from '../../domain/principal.ts';
import { pullEvents } from '../../usecases/events/pull-events.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { pageLimitTo } from '../cursor.ts';
import { noBody, noParams, timestampText } from '../fields.ts';
import { queryNumber } from '../query-number.ts';
import { defineRoute } from '../route.ts';

const path = '/api/v1/platform/events';
const { min, max } = numberRanges.eventWaitSeconds;

/** The envelope of Standard Webhooks 1.0. `details` differ by type: docs/events.md. */
const eventAnswer = z
  .strictObject({
    type: z.enum(auditEventTypes),
    timestamp: timestampText,
    data: z.strictObject({
      event_id: z.string(),
      organization_id: z.string().optional(),
      target_id: z.string().optional(),
      actor: z.strictObject({ kind: z.enum(actorKinds), id: z.string() }),
      request_id: z.string().optional(),
      on_behalf_of: z.string().optional().describe('The organization that an operator was impersonating'),
      client_address: z.string().optional().describe('Where the request of a machine came from'),
      result: z.enum(['success', 'refused']),
      details: z.record(z.string(), z.unknown()).describe('Fields of the type; docs/events.md lists them'),
    }),
  })
  .meta({ id: 'Event' });

const eventQuery = z.strictObject({
  after: z
    .string()
    .max(200)
    .transform((text, context) => {
      const position = text === 'latest' ? text : readEventCursor(text);
      if (position !== undefined) return position;
      context.addIssue({ code: 'custom', message: 'is not a cursor of this list' });
      return z.NEVER;
    })
    .optional()
    .describe(
      'The `next_cursor` of an earlier answer; `latest` for new events only; absent from the first event on',
    ),
  types: z
    .string()
    .max(4_000)
    .transform((text, context) => {
      const types = text.split(',');
      if (types.every(isEventType)) return types;
      context.addIssue({ code: 'custom', message: 'must be types of events, separated by commas' });
      return z.NEVER;
    })
    .optional()
    .describe('Types, separated by commas'),
  organization_id: z.string().regex(externalIdPattern, 'must be an id').optional(),
  limit: pageLimitTo(numberRanges.auditPageSize.max),
  wait_seconds: queryNumber({ min, max, message: `must be a number from ${min} to ${max}` })
    .default(0)
    .describe('How long to wait for an event when there is none'),
});

type Query = z.output<typeof eventQuery>;

export const listEventsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listEvents',
  summary: 'Pull events',
  description:
    'All events in the order in which the audit log is sealed, oldest first. Continue with `next_cursor`, also after an empty page. With `wait_seconds` a long poll: it answers as soon as there is an event. With `Accept: application/x-ndjson` one event a line, and the next page in the `Link` header. No event has a secret, metadata, or an e-mail address. A process holds 64 waits; more are refused with 503 `OVERLOADED`.',
  access: platformCaller('platform:events:read', 'confined'),
  params: noParams,
  query: eventQuery,
  body: noBody,
  success: { 200: 'A page of events.' },
  answer: z.strictObject({ data: z.array(eventAnswer), next_cursor: z.string() }),
  alsoLines: true,
  isLongPoll: true,
  errors: [],
  async handle(parts: Parameters<typeof pullEvents>[0], { query, caller, signal, wantsLines }) {
    const { events, next } = await pullEvents(
      parts,
      caller,
      toPullRequest(query, caller.principal),
      signal(),
    );
    const data = events.map(({ event }) => toEnvelope(event));
    const next_cursor = toEventCursor(next);
    if (!wantsLines) return { status: 200, body: { data, next_cursor } };
    return { lines: [data], headers: { Link: `<${path}?${nextQuery(query, next_cursor)}>; rel="next"` } };
  },
});

function toPullRequest(query: Query, principal: PlatformPrincipal): Parameters<typeof pullEvents>[2] {
  if (query.organization_id !== undefined) requireReach(principal, query.organization_id);
  return {
    after: query.after ?? eventsStart,
    filter: { types: query.types, organizationId: query.organization_id ?? principal.organizationIds?.[0] },
    limit: query.limit,
    waitMs: query.wait_seconds * 1_000,
  };
}

function nextQuery({ types, organization_id, limit, wait_seconds }: Query, after: string): URLSearchParams {
  return new URLSearchParams({
    after,
    ...(types !== undefined && { types: types.join(',') }),
    ...(organization_id !== undefined && { organization_id }),
    limit: String(limit),
    wait_seconds: String(wait_seconds),
  });
}

function isEventType(text: string): text is AuditEventType {
  return (auditEventTypes as readonly string[]).includes(text);
}
