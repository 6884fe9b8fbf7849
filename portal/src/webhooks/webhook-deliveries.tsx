import { Anchor, Badge, Button, Code, Group, Select, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Pager } from '../parts/pager.tsx';
import { Time } from '../parts/time.tsx';
import { answerText } from './delivery-answer.ts';
import { Queued, sendAgain } from './replay-events.tsx';
import { type Delivery, useDeliveries, useWebhookChange } from './use-webhooks.ts';

const looks: Record<Delivery['status'], { label: string; color: string }> = {
  pending: { label: 'Tried again', color: 'orange' },
  delivered: { label: 'Delivered', color: 'green' },
  dead: { label: 'Given up', color: 'red' },
};

const statuses = Object.entries(looks).map(([value, { label }]) => ({ value, label }));

const columns = ['Event', 'Status', 'Last Attempt', 'Answer'];

/** Deliveries of a webhook, newest event first, with request and answer. */
export function WebhookDeliveries({ id, isManager }: { id: string; isManager: boolean }) {
  const [filter, setFilter] = useState({ status: '', cursor: '' });
  const [queued, setQueued] = useState<number | null>(null);
  const deliveries = useDeliveries(id, filter);
  const again = useWebhookChange(
    (eventId: string) => sendAgain(id, { event_ids: [eventId] }),
    ({ count }) => setQueued(count),
  );
  return (
    <Stack mt="lg" gap="xs">
      <Group justify="space-between" align="end">
        <Title order={2} size="h4">
          Deliveries
        </Title>
        <Select
          label="Status"
          placeholder="Any"
          clearable
          w={160}
          data={statuses}
          value={filter.status || null}
          onChange={(status) => setFilter({ status: status ?? '', cursor: '' })}
        />
      </Group>
      {queued !== null && <Queued count={queued} />}
      {again.isError && <FaultAlert error={again.error} />}
      {deliveries.isError && <FaultAlert error={deliveries.error} retry={() => void deliveries.refetch()} />}
      {!(deliveries.isError && deliveries.data === undefined) && (
        <ListTable
          label="Deliveries"
          minWidth={680}
          columns={isManager ? [...columns, 'Actions'] : columns}
          items={deliveries.data?.items}
          empty={filter.status === '' ? 'Nothing was sent yet.' : 'No delivery passes the filter.'}
          spacing="xs"
        >
          {(delivery) => (
            <DeliveryRow
              key={delivery.event_id}
              delivery={delivery}
              onAgain={isManager ? (eventId) => again.mutate(eventId) : undefined}
            />
          )}
        </ListTable>
      )}
      <Pager
        cursor={filter.cursor}
        next={deliveries.data?.next}
        onTurn={(cursor) => setFilter({ ...filter, cursor })}
      />
    </Stack>
  );
}

type RowProps = { delivery: Delivery; onAgain: ((eventId: string) => void) | undefined };

function DeliveryRow({ delivery, onAgain }: RowProps) {
  const [isOpen, setIsOpen] = useState(false);
  const { event_id: eventId, status, answer } = delivery;
  return (
    <>
      <Table.Tr>
        <Table.Td maw={260} style={{ overflowWrap: 'anywhere' }}>
          {delivery.type}
          <Text size="xs" ff="monospace">
            {eventId}
          </Text>
          <Anchor
            component="button"
            type="button"
            size="sm"
            aria-expanded={isOpen}
            onClick={() => setIsOpen(!isOpen)}
          >
            Request and answer
          </Anchor>
        </Table.Td>
        <Table.Td>
          <Badge variant="dot" color={looks[status].color}>
            {looks[status].label}
          </Badge>
          <Attempts delivery={delivery} />
        </Table.Td>
        <Table.Td>
          <Time at={delivery.last_attempt_at} none="Not yet" />
        </Table.Td>
        <Table.Td>{answer === null ? '—' : answerText(answer)}</Table.Td>
        {onAgain !== undefined && (
          <Table.Td>
            {/* Its own tests are not sent again: there is an action for a new one. */}
            {delivery.type !== 'webhook.tested' && (
              <Button
                size="xs"
                variant="default"
                aria-label={`Send again ${eventId}`}
                onClick={() => onAgain(eventId)}
              >
                Send again
              </Button>
            )}
          </Table.Td>
        )}
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td colSpan={columns.length + 1}>
            <Exchange delivery={delivery} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

function Attempts({ delivery: { attempts, next_attempt_at: next } }: { delivery: Delivery }) {
  return (
    <Text size="xs">
      {attempts === 1 ? '1 attempt' : `${attempts} attempts`}
      {next !== null && (
        <>
          , next <Time at={next} none="—" />
        </>
      )}
    </Text>
  );
}

function Exchange({ delivery: { request, answer } }: { delivery: Delivery }) {
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
  return (
    <Code block tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
      {[...headers, '', JSON.stringify(request.body, null, 2), '', answerLines(answer)].join('\n')}
    </Code>
  );
}

function answerLines(answer: Delivery['answer']): string {
  if (answer === null) return 'No answer yet';
  return answer.body === null || answer.body === ''
    ? answerText(answer)
    : `${answerText(answer)}\n${answer.body}`;
}
