import { Button, Code, Group, Select, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { ApiFault } from '../api/fault.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { number } from '../parts/number.ts';
import { Outcome } from '../parts/outcome.tsx';
import { ReasonSelect, type RevocationReason } from '../parts/revocation-reason.tsx';
import { Time } from '../parts/time.tsx';
import { BulkJob } from './bulk-job.tsx';
import {
  type BulkOrder,
  type BulkOrdered,
  type BulkPreview,
  useBulkOrder,
  useBulkPreview,
} from './use-bulk-order.ts';

type Action = BulkOrder['action'];

const actions: Record<Action, { verb: string; done: string; effect: string; complete: string }> = {
  revoke: {
    verb: 'Revoke',
    done: 'revoked',
    effect: 'No gateway lets these keys through any more, at once and for good.',
    complete: 'No verifier anywhere accepts them any more.',
  },
  disable: {
    verb: 'Disable',
    done: 'disabled',
    effect: 'No gateway lets these keys through until they are enabled again.',
    complete: 'No verifier anywhere accepts them for now.',
  },
  enable: {
    verb: 'Enable',
    done: 'enabled',
    effect: 'Gateways let these keys through again.',
    complete: 'Every verifier accepts them again.',
  },
};

const choices = Object.entries(actions).map(([value, { verb }]) => ({ value, label: verb }));

type Props = { filter: BulkOrder['filter']; onClose: () => void };

/** An order about all keys of the list's filter: shown first, then confirmed by their number. */
export function BulkChange({ filter, onClose }: Props) {
  const [action, setAction] = useState<Action>('revoke');
  const [reason, setReason] = useState<RevocationReason>('unspecified');
  const preview = useBulkPreview();
  const order = useBulkOrder();
  const { verb, effect } = actions[action];
  const shown = preview.data;
  const keys = shown === undefined ? 'keys' : keysText(shown.count);
  const look = () => preview.mutate({ action, filter });
  return (
    <ConfirmDialog
      title="Change all keys of the filter"
      verb={`${verb} ${keys}`}
      color={action === 'enable' ? 'blue' : 'red'}
      isReady={shown !== undefined && shown.count > 0}
      change={order}
      onConfirm={() => shown && order.mutate({ action, filter, reason, confirm_token: shown.confirm_token })}
      onClose={onClose}
      outcome={order.data && <Ordered action={action} ordered={order.data} />}
    >
      <Select
        label="Action"
        data={choices}
        allowDeselect={false}
        value={action}
        onChange={(chosen) => {
          setAction(chosen as Action);
          preview.reset();
          order.reset();
        }}
      />
      <ReasonSelect value={reason} onChange={setReason} />
      <Text>{effect}</Text>
      <Group>
        <Button variant="default" loading={preview.isPending} onClick={look}>
          {isChanged(order.error) ? 'Show the keys again' : 'Show the keys'}
        </Button>
      </Group>
      {preview.isError && <FaultAlert error={preview.error} />}
      {shown !== undefined && <Sample preview={shown} />}
    </ConfirmDialog>
  );
}

function isChanged(error: unknown): boolean {
  return error instanceof ApiFault && error.code === 'SELECTION_CHANGED';
}

function keysText(count: number): string {
  return `${number(count)} ${count === 1 ? 'key' : 'keys'}`;
}

function Sample({ preview: { count, sample } }: { preview: BulkPreview }) {
  return (
    <Stack gap="xs">
      <Text role="status">
        {keysText(count)}
        {sample.length < count && `, of which these are the newest ${number(sample.length)}`}
      </Text>
      {sample.length > 0 && (
        <ListTable
          label="Keys of the order"
          minWidth={380}
          columns={['Key', 'User', 'Last Used']}
          items={sample}
          spacing={4}
        >
          {(key) => (
            <Table.Tr key={key.key_id}>
              <Table.Td>
                <Code>{key.key_prefix}…</Code>
              </Table.Td>
              <Table.Td>{key.user_id}</Table.Td>
              <Table.Td>
                <Time at={key.usage.last_used_at} none="Never" />
              </Table.Td>
            </Table.Tr>
          )}
        </ListTable>
      )}
    </Stack>
  );
}

function Ordered({ action, ordered }: { action: Action; ordered: BulkOrdered }) {
  const { affected_count: count, job_id: jobId } = ordered;
  const { done, complete } = actions[action];
  const isLater = ordered.propagation_detail.effective_by === null;
  return (
    <Stack>
      {isLater ? (
        <Text>
          A job changes {keysText(count)} in batches. Until it is over, some of them are as they were.
        </Text>
      ) : (
        <Outcome title={`${keysText(count)} ${done}`} complete={complete} propagated={ordered} />
      )}
      {jobId !== undefined && <BulkJob id={jobId} />}
    </Stack>
  );
}
