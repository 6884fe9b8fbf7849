import { Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import { ResultBadge } from './result-badge.tsx';
import type { AuditEvent } from './use-audit.ts';

const columns = ['Time', 'Event', 'Actor', 'Target', 'Organization', 'Result'];

/** Newest first. `events` is undefined while loading. */
export function AuditTable({ events }: { events: AuditEvent[] | undefined }) {
  return (
    <ListTable
      label="Audit events"
      minWidth={940}
      columns={columns}
      items={events}
      empty="No event passes the filters."
      spacing="xs"
    >
      {(event) => <AuditRow key={event.id} event={event} />}
    </ListTable>
  );
}

function AuditRow({ event }: { event: AuditEvent }) {
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Time at={event.created_at} none="—" />
      </Table.Td>
      <Table.Td miw={280}>
        {event.event_type}
        <Id text={JSON.stringify(event.details)} />
      </Table.Td>
      <Table.Td>
        <Id text={event.actor.id} />
      </Table.Td>
      <Table.Td>
        <Id text={event.target_id} />
      </Table.Td>
      <Table.Td>
        <Id text={event.on_behalf_of ?? event.organization_id ?? '—'} />
      </Table.Td>
      <Table.Td>
        <ResultBadge result={event.result} />
      </Table.Td>
    </Table.Tr>
  );
}

/** Long id that may wrap anywhere, so that no column is pushed out of sight. */
function Id({ text }: { text: string }) {
  return (
    <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
  );
}
