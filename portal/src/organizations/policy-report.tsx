import { Alert, Stack, Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import type { PolicyReport } from './use-policy.ts';

const columns = ['Key', 'User', 'Environment', 'Created', 'Rules'];

/** The keys that break a policy: how many, by which rules, and the newest of them. */
export function PolicyReportView({ report: { examined, non_compliant, by_rule, data, next } }: Props) {
  const so = next === null ? '' : ' of those looked at so far';
  return (
    <Stack gap="xs">
      <Alert
        color="blue"
        role="status"
        title={`${number(non_compliant)} of ${number(examined)} active keys break it${so}`}
      >
        {Object.entries(by_rule).map(([rule, count]) => (
          <Text key={rule} size="sm">
            {rule}: {number(count)}
          </Text>
        ))}
        {non_compliant > 0 && (
          <Text size="sm">They go on as they are until they are changed or refreshed.</Text>
        )}
      </Alert>
      {data.length > 0 && (
        <ListTable label="Keys that break it" minWidth={640} columns={columns} items={data} spacing="xs">
          {(key) => (
            <Table.Tr key={key.key_id}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{key.key_id}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{key.user_id}</Table.Td>
              <Table.Td>{key.environment}</Table.Td>
              <Table.Td>
                <Time at={key.created_at} none="—" />
              </Table.Td>
              <Table.Td>{key.rules.join(', ')}</Table.Td>
            </Table.Tr>
          )}
        </ListTable>
      )}
    </Stack>
  );
}

type Props = { report: PolicyReport };
