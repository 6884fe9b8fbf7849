import { Anchor, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Named } from '../parts/named.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { useOwn } from '../sessions/me.ts';
import { ResultBadge } from './result-badge.tsx';
import { idsIn, sentenceOf } from './sentence.ts';
import { type AuditEvent, useRecentEvents } from './use-audit.ts';

/**
 * Recent audit events of one target, with a link to all. Empty without the right to read the audit
 * log.
 */
export function RecentEvents({ targetId }: { targetId: string }) {
  const { may } = useOwn();
  return may('platform:audit:read') ? <Events targetId={targetId} /> : null;
}

function Events({ targetId }: { targetId: string }) {
  const events = useRecentEvents(targetId);
  return (
    <Stack mt="lg" gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Recent audit events
        </Title>
        <Anchor component={Link} to={`/audit?${new URLSearchParams({ target_id: targetId })}`} size="sm">
          All in Audit
        </Anchor>
      </Group>
      {events.isError && <FaultAlert error={events.error} retry={() => void events.refetch()} />}
      {events.isPending && <Skeleton h={80} />}
      {events.data?.items.length === 0 && <Text size="sm">No audit event about it yet.</Text>}
      {events.data !== undefined && events.data.items.length > 0 && <EventTable events={events.data.items} />}
    </Stack>
  );
}

function EventTable({ events }: { events: AuditEvent[] }) {
  const nameOf = useNames(events.flatMap(idsIn));
  return (
    <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
      <Table aria-label="Recent audit events">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            <Table.Th>Event</Table.Th>
            <Table.Th>Actor</Table.Th>
            <Table.Th>Result</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.id}>
              <Table.Td>
                <Time at={event.created_at} none="—" />
              </Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                {sentenceOf(event, nameOf)}
                <Text size="xs" ff="monospace">
                  {event.event_type}
                </Text>
              </Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>
                <Named id={event.actor.id} name={nameOf(event.actor.id)} />
              </Table.Td>
              <Table.Td>
                <ResultBadge result={event.result} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
