import { Button, Group, Stack, Switch, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Pager } from '../parts/pager.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { AuditFilters } from './audit-filters.tsx';
import { AuditTable } from './audit-table.tsx';
import { ProofAlert } from './proof-alert.tsx';
import { type AuditFilter, auditFilterNames, useAuditEvents, useAuditProof } from './use-audit.ts';

export function AuditPage() {
  const { inside } = useOwn();
  const [read, write] = useSearchState();
  const [isLive, setIsLive] = useState(false);
  const filter = Object.fromEntries(auditFilterNames.map((name) => [name, read(name)])) as AuditFilter;
  const events = useAuditEvents(filter, isLive && filter.cursor === '');
  const proof = useAuditProof();
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Audit</Title>
        {/* Inside a tenant each request is an event itself, and the chain is that of the whole platform. */}
        {inside === undefined && (
          <Group>
            <Switch
              label="Live"
              checked={isLive}
              onChange={(event) => setIsLive(event.currentTarget.checked)}
            />
            <Button variant="default" loading={proof.isFetching} onClick={() => void proof.refetch()}>
              Verify
            </Button>
          </Group>
        )}
      </Group>
      {proof.isError && <FaultAlert error={proof.error} />}
      {proof.data !== undefined && <ProofAlert proof={proof.data} />}
      <AuditFilters filter={filter} onChange={(changes) => write({ ...changes, cursor: '' })} />
      {events.isError && <FaultAlert error={events.error} retry={() => void events.refetch()} />}
      {!(events.isError && events.data === undefined) && <AuditTable events={events.data?.items} />}
      <Pager cursor={filter.cursor} next={events.data?.next} onTurn={(cursor) => write({ cursor })} />
    </Stack>
  );
}
