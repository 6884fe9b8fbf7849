import { z } from 'zod';
import { actorKinds, auditEventTypes } from '../../src/domain/audit-event.ts';
import { eventTypes } from '../../src/domain/events/event-types.ts';

/** JSON Schema of the envelope of every type of event, for those who check or generate code. */
export function eventsSchema(): string {
  const types = auditEventTypes.map((type) => [type, schemaOf(type)] as const);
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Events of Flowplate Keys',
    oneOf: types.map(([type]) => ({ $ref: `#/$defs/${type}` })),
    $defs: Object.fromEntries(types),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function schemaOf(type: (typeof auditEventTypes)[number]) {
  const { details, says } = eventTypes[type];
  const envelope = z.object({
    type: z.literal(type),
    timestamp: z.iso.datetime({ precision: 3 }),
    data: z.object({
      event_id: z.string(),
      organization_id: z.string().optional(),
      target_id: z.string().optional(),
      actor: z.object({ kind: z.enum(actorKinds), id: z.string() }),
      request_id: z.string().optional(),
      on_behalf_of: z.string().optional(),
      client_address: z.string().optional(),
      result: z.enum(['success', 'refused']),
      details,
    }),
  });
  const { $schema: _, ...schema } = z.toJSONSchema(envelope, { io: 'input' });
  return { description: says, ...schema };
}
