import { z } from 'zod';
import { auditEventTypes } from '../../src/domain/audit-event.ts';
import type { EventType } from '../../src/domain/events/event-type.ts';
import { eventTypes } from '../../src/domain/events/event-types.ts';
import { exampleEnvelope } from '../../src/domain/events/example.ts';

type Property = {
  type?: string;
  enum?: unknown[];
  anyOf?: Property[];
  const?: unknown;
  items?: Property;
  format?: string;
};

/** Every type of event with its fields and an example. */
export function eventsPage(): string {
  return [
    '# Events',
    '',
    'Every event of the audit log leaves the broker in one form: the envelope of',
    '[Standard Webhooks 1.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). This page is generated',
    'from `src/domain/events` by `node scripts/generate.ts`; [events.schema.json](events.schema.json) has the same as JSON Schema.',
    '',
    ...envelope,
    '',
    '## Types',
    '',
    '| type | when |',
    '|---|---|',
    ...auditEventTypes.map((type) => `| [\`${type}\`](#${anchorOf(type)}) | ${eventTypes[type].says} |`),
    ...auditEventTypes.flatMap((type) => sectionOf(type, eventTypes[type])),
    '',
  ].join('\n');
}

const envelope = [
  '| field | what it is |',
  '|---|---|',
  '| `type` | One of the types below. New ones may come with any release: ignore those that you do not know |',
  '| `timestamp` | When it happened, RFC 3339 in UTC |',
  '| `data.event_id` | Id of the event in the audit log. The same event has the same id wherever it is delivered |',
  '| `data.organization_id` | Its organization. Absent for an event of the whole platform |',
  '| `data.target_id` | The thing that it happened to; the kind stands with each type |',
  '| `data.actor` | Who did it: `kind` and `id`. `system` is the broker itself |',
  '| `data.request_id` | The `x-request-id` of the request. Absent without one |',
  '| `data.on_behalf_of` | The organization that an operator was impersonating. Absent otherwise |',
  '| `data.client_address` | Where the request of a master key, platform key or tenant key came from. That of a person is in the audit list and its streams alone |',
  '| `data.result` | `success`, or `refused` for an attempt |',
  '| `data.details` | Fields of the type |',
  '',
  'Events come in the order of the seals of the audit log, and each only after its change is committed. That order is not the order of `timestamp`: a change',
  'that commits late is sealed late.',
  '',
  '**What no event has:** a secret, a digest, metadata, an e-mail address, or free text such as names and user agents. Details come through an',
  'allow-list for each type. An id that you chose and that looks like an e-mail address or a secret, such as the `user_id` `anna@example.com`, is left out.',
  'Every detail may be absent, because an earlier release did not write it or for this reason. Look the thing up by its id.',
];

function anchorOf(type: string): string {
  return type.replaceAll('.', '');
}

function sectionOf(type: (typeof auditEventTypes)[number], { says, target, details }: EventType): string[] {
  const schema = z.toJSONSchema(details, { io: 'output' });
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, property]) => `| \`${name}\` | ${describe(property as Property)} |`,
  );
  return [
    '',
    `### ${type}`,
    '',
    `${says} \`target_id\`: the ${target}.`,
    ...(rows.length === 0 ? [] : ['', '| detail | value |', '|---|---|', ...rows]),
    '',
    '```json',
    JSON.stringify(exampleEnvelope(type)),
    '```',
  ];
}

function describe({ type, enum: values, anyOf, const: only, items, format }: Property): string {
  if (anyOf !== undefined) return anyOf.map(describe).join(', or ');
  if (only !== undefined) return `\`${only}\``;
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (items !== undefined) return `list of: ${describe(items)}`;
  if (format === 'date-time') return 'time';
  return type ?? 'object';
}
