import { Anchor, Button, Group, MultiSelect, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { eventTypes } from '../audit/sentence.ts';
import { TenantPicker } from '../organizations/organization-picker.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { countSet, Filters } from '../parts/filters.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { EventsTable } from './events-table.tsx';
import { type EventFilter, useEventFeed } from './use-event-feed.ts';

/** Events as other systems see them, as they happen. */
export function EventsPage() {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const [isPaused, setIsPaused] = useState(false);
  const types = read('types') === '' ? [] : read('types').split(',');
  const organizationId = read('organization_id');
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Events</Title>
        <Button variant="default" aria-pressed={isPaused} onClick={() => setIsPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </Button>
      </Group>
      <Text>
        New events, as webhooks and the pull feed have them: some seconds after the change, without secrets,
        names and addresses.
        {may('platform:audit:read') && (
          <>
            {' '}
            Earlier ones are in{' '}
            <Anchor component={Link} to="/audit" underline="always">
              Audit
            </Anchor>
            .
          </>
        )}
      </Text>
      <Filters set={countSet([read('types'), organizationId])}>
        <MultiSelect
          label="Types"
          placeholder={types.length === 0 ? 'Any' : undefined}
          data={eventTypes}
          searchable
          clearable
          maw={480}
          value={types}
          onChange={(chosen) => write({ types: chosen.join(',') })}
        />
        <TenantPicker
          label="Tenant"
          value={organizationId}
          onChange={(id) => write({ organization_id: id })}
        />
      </Filters>
      <Feed key={`${types} ${organizationId}`} filter={{ types, organizationId }} isPaused={isPaused} />
    </Stack>
  );
}

function Feed({ filter, isPaused }: { filter: EventFilter; isPaused: boolean }) {
  const { events, isBegun, poll } = useEventFeed(filter, isPaused);
  return (
    <>
      <Text size="sm" role="status">
        {stateText(events.length, isPaused)}
      </Text>
      {poll.isError && <FaultAlert error={poll.error} retry={() => void poll.refetch()} />}
      {!poll.isError && <EventsTable events={isBegun ? events : undefined} />}
      {poll.isError && events.length > 0 && <EventsTable events={events} />}
    </>
  );
}

function stateText(count: number, isPaused: boolean): string {
  const so = count === 1 ? '1 event' : `${count} events`;
  return isPaused ? `Paused after ${so}. Those that come meanwhile are shown later.` : `Live, ${so} so far.`;
}
