import { Table, Text } from '@mantine/core';
import { EventJson } from '../audit/event-json.tsx';
import { ResultBadge } from '../audit/result-badge.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import type { Event } from './use-event-feed.ts';

const columns = ['Time', 'Event', 'Actor', 'Target', 'Organization', 'Result'];

/** Newest first. `events` is undefined until the feed has begun. */
export function EventsTable({ events }: { events: readonly Event[] | undefined }) {
  const nameOf = useNames((events ?? []).flatMap(idsIn));
  return (
    <ListTable
      label="Events"
      minWidth={860}
      columns={columns}
      items={events}
      empty="No event yet. New ones appear here by themselves."
      spacing="xs"
    >
      {({ type, timestamp, data }) => (
        <Table.Tr key={data.event_id}>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>
            <Time at={timestamp} none="—" />
          </Table.Td>
          <Table.Td miw={280}>
            {type}
            <EventJson event={{ type, timestamp, data }} />
          </Table.Td>
          <Cell id={data.actor.id} nameOf={nameOf} />
          <Cell id={data.target_id} nameOf={nameOf} />
          <Cell id={data.organization_id ?? data.on_behalf_of} nameOf={nameOf} />
          <Table.Td>
            <ResultBadge result={data.result} />
          </Table.Td>
        </Table.Tr>
      )}
    </ListTable>
  );
}

function Cell({ id, nameOf }: { id: string | undefined; nameOf: (id: string) => string | undefined }) {
  return (
    <Table.Td style={{ overflowWrap: 'anywhere' }}>
      {id === undefined ? <Text span>—</Text> : <Named id={id} name={nameOf(id)} />}
    </Table.Td>
  );
}

function idsIn({ data }: Event) {
  return [data.actor.id, data.target_id, data.organization_id, data.on_behalf_of];
}
