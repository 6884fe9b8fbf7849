import { Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { EventJson } from './event-json.tsx';
import { ResultBadge } from './result-badge.tsx';
import { idsIn, sentenceOf } from './sentence.ts';
import type { AuditEvent } from './use-audit.ts';

const columns = ['Time', 'Event', 'Actor', 'Target', 'Organization', 'Result'];

/** Newest first. `events` is undefined while loading. */
export function AuditTable({ events }: { events: AuditEvent[] | undefined }) {
  const nameOf = useNames((events ?? []).flatMap(idsIn));
  return (
    <ListTable
      label="Audit events"
      minWidth={940}
      columns={columns}
      items={events}
      empty="No event passes the filters."
      spacing="xs"
    >
      {(event) => <AuditRow key={event.id} event={event} nameOf={nameOf} />}
    </ListTable>
  );
}

type RowProps = { event: AuditEvent; nameOf: (id: string) => string | undefined };

function AuditRow({ event, nameOf }: RowProps) {
  const organizationId = event.on_behalf_of ?? event.organization_id;
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Time at={event.created_at} none="—" />
      </Table.Td>
      <Table.Td miw={280}>
        {sentenceOf(event, nameOf)}
        <Text size="xs" ff="monospace">
          {event.event_type}
        </Text>
        <EventJson event={event} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Named id={event.actor.id} name={nameOf(event.actor.id)} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <Named id={event.target_id} name={nameOf(event.target_id)} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {organizationId === null ? '—' : <Named id={organizationId} name={nameOf(organizationId)} />}
      </Table.Td>
      <Table.Td>
        <ResultBadge result={event.result} />
      </Table.Td>
    </Table.Tr>
  );
}
