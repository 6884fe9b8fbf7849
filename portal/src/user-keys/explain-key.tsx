import { Badge, Button, Code, Group, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { type Explanation, useExplanation } from './use-user-keys.ts';

const fields = {
  ip: { label: 'Address', placeholder: '203.0.113.7' },
  scopes: { label: 'Scopes', placeholder: 'read, write' },
  environment: { label: 'Environment', placeholder: 'Any' },
} as const;

type Demands = Record<keyof typeof fields, string>;

/** The verdict on a key for a request with these demands, check by check. */
export function ExplainKey({ id }: { id: string }) {
  const explanation = useExplanation(id);
  const [demands, setDemands] = useState<Demands>({ ip: '', scopes: '', environment: '' });
  return (
    <Stack mt="lg" gap="xs">
      <Title order={2} size="h4">
        Explain
      </Title>
      <Text size="sm">What a gateway would be told for such a request. It counts nothing.</Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          explanation.mutate(toBody(demands));
        }}
      >
        <Group align="end">
          {Object.entries(fields).map(([name, field]) => (
            <TextInput
              key={name}
              {...field}
              value={demands[name as keyof Demands]}
              onChange={({ currentTarget: { value } }) => setDemands({ ...demands, [name]: value })}
            />
          ))}
          <Button type="submit" variant="default" loading={explanation.isPending}>
            Explain
          </Button>
        </Group>
      </form>
      {explanation.isError && <FaultAlert error={explanation.error} />}
      {explanation.data !== undefined && <Checks explanation={explanation.data} />}
    </Stack>
  );
}

/** Demands of the form; an empty field is not asked. */
function toBody({ ip, scopes, environment }: Demands) {
  const held = scopes.split(/[\s,]+/).filter((scope) => scope !== '');
  return {
    ...(ip.trim() !== '' && { ip: ip.trim() }),
    ...(held.length > 0 && { scopes: held }),
    ...(environment.trim() !== '' && { environment: environment.trim() }),
  };
}

const results = {
  passed: { label: 'Passed', color: 'green' },
  failed: { label: 'Failed', color: 'red' },
  not_reached: { label: 'Not reached', color: 'gray' },
} as const;

function Checks({ explanation: { valid, code, checks } }: { explanation: Explanation }) {
  return (
    <>
      <Text role="status">
        {valid ? 'Accepted' : 'Refused'}: <Code>{code}</Code>
      </Text>
      <ListTable
        label="Checks"
        minWidth={640}
        columns={['Check', 'Result', 'Asked', 'The key has']}
        items={checks}
        spacing={4}
      >
        {({ check, result, asked, has }) => (
          <Table.Tr key={check}>
            <Table.Td>{check}</Table.Td>
            <Table.Td>
              <Badge variant="dot" color={results[result].color}>
                {results[result].label}
              </Badge>
            </Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{textOf(asked)}</Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{textOf(has)}</Table.Td>
          </Table.Tr>
        )}
      </ListTable>
    </>
  );
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(', ') || 'None' : JSON.stringify(value);
}
