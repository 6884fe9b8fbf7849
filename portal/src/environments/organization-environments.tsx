import { Badge, Button, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { ListTable } from '../parts/list-table.tsx';
import { Pager } from '../parts/pager.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { Time } from '../parts/time.tsx';
import type { Inside } from '../sessions/inside.ts';
import { useOwn } from '../sessions/me.ts';
import { CreateEnvironment } from './create-environment.tsx';
import { DeleteEnvironment } from './delete-environment.tsx';
import { type Environment, useEnvironments } from './use-environments.ts';

/** Every organization has it, and it cannot be deleted. */
const defaultName = 'default';

const columns = ['Name', 'Id', 'Created', 'Actions'];

export function TenantEnvironments({ inside }: { inside: Inside }) {
  const { may } = useOwn();
  const [read, write] = useSearchState();
  const [isCreating, setIsCreating] = useState(false);
  const [leaving, setLeaving] = useState<Environment | null>(null);
  const page = useEnvironments(inside.id, read('cursor'));
  const isManager = may('platform:impersonate');
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Environments</Title>
        {isManager && <Button onClick={() => setIsCreating(true)}>Create Environment</Button>}
      </Group>
      <Text>A key is good in one environment alone. A backend that mints into a new name creates it.</Text>
      {page.isError && <FaultAlert error={page.error} retry={() => void page.refetch()} />}
      {!(page.isError && page.data === undefined) && (
        <ListTable label="Environments" minWidth={640} columns={columns} items={page.data?.data}>
          {(environment) => (
            <EnvironmentRow
              key={environment.id}
              environment={environment}
              isManager={isManager}
              onDelete={setLeaving}
            />
          )}
        </ListTable>
      )}
      <Pager
        cursor={read('cursor')}
        next={page.data?.next_cursor ?? undefined}
        onTurn={(cursor) => write({ cursor })}
      />
      {isCreating && <CreateEnvironment onClose={() => setIsCreating(false)} />}
      {leaving !== null && <DeleteEnvironment environment={leaving} onClose={() => setLeaving(null)} />}
    </Stack>
  );
}

type RowProps = {
  environment: Environment;
  isManager: boolean;
  onDelete: (environment: Environment) => void;
};

function EnvironmentRow({ environment, isManager, onDelete }: RowProps) {
  const { id, name, created_at } = environment;
  const isDefault = name === defaultName;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          {name}
          {isDefault && <Badge variant="default">Default</Badge>}
        </Group>
      </Table.Td>
      <Table.Td>
        <Code>{id}</Code>
      </Table.Td>
      <Table.Td>
        <Time at={created_at} none="—" />
      </Table.Td>
      <Table.Td>
        {isManager && !isDefault && (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`Delete ${name}`}
            onClick={() => onDelete(environment)}
          >
            Delete
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
