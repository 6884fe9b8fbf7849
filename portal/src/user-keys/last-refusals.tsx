import { Skeleton, Stack, Table, Text, Title } from '@mantine/core';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import { type KeyRefusal, useKeyRefusals } from './use-user-keys.ts';

const columns = ['Time', 'Code', 'Where', 'Request', 'Gateway', 'Address'];

const places: Record<KeyRefusal['endpoint'], string> = {
  verify: 'Verify',
  batch: 'Batch',
  authz: 'Forward auth',
  introspect: 'Introspection',
  embedded: 'Embedded verifier',
};

/** Why a key was refused the last times, and through which gateway. */
export function LastRefusals({ id }: { id: string }) {
  const refusals = useKeyRefusals(id);
  return (
    <Stack mt="lg" gap="xs">
      <Title order={2} size="h4">
        Last refusals
      </Title>
      {refusals.isError && <FaultAlert error={refusals.error} retry={() => void refusals.refetch()} />}
      {refusals.isPending && <Skeleton h={80} />}
      {refusals.data?.length === 0 && <Text size="sm">It was not refused in the last seven days.</Text>}
      {refusals.data !== undefined && refusals.data.length > 0 && (
        <ListTable label="Last refusals" minWidth={760} columns={columns} items={refusals.data} spacing="xs">
          {(refusal) => <RefusalRow key={`${refusal.at} ${refusal.request_id}`} refusal={refusal} />}
        </ListTable>
      )}
    </Stack>
  );
}

function RefusalRow({
  refusal: { at, code, endpoint, request_id, master_key_id, ip },
}: {
  refusal: KeyRefusal;
}) {
  return (
    <Table.Tr>
      <Table.Td>
        <Time at={at} none="—" />
      </Table.Td>
      <Table.Td>{code}</Table.Td>
      <Table.Td>{places[endpoint]}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{request_id}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{master_key_id}</Table.Td>
      <Table.Td>{ip ?? '—'}</Table.Td>
    </Table.Tr>
  );
}
