import { Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Pager } from '../parts/pager.tsx';
import { useSearchState } from '../parts/search-state.ts';
import { useOwn } from '../sessions/me.ts';
import { RevokeHiddenKey } from '../user-keys/revoke-user-keys.tsx';
import type { HiddenKey } from '../user-keys/use-user-keys.ts';
import { LeakReportsTable } from './leak-reports-table.tsx';
import { QuarantinedKeysTable } from './quarantined-keys-table.tsx';
import { ReleaseKey } from './release-key.tsx';
import { useLeakReports, useQuarantinedKeys } from './use-leaks.ts';

/** Keys in quarantine, which somebody may release, and the reports of scanners. */
export function LeaksPage() {
  const { may } = useOwn();
  return (
    <Stack>
      <Title order={1}>Leaks</Title>
      <QuarantinedKeys />
      {may('platform:audit:read') && <LeakReports />}
    </Stack>
  );
}

function QuarantinedKeys() {
  const { may, inside } = useOwn();
  const isManager =
    may('platform:hidden_keys:manage') && (inside === undefined || may('platform:impersonate'));
  const [read, write] = useSearchState();
  const [releasing, setReleasing] = useState<HiddenKey | null>(null);
  const [revoking, setRevoking] = useState<HiddenKey | null>(null);
  const keys = useQuarantinedKeys(read('cursor'));
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        In quarantine
      </Title>
      <Text>
        A reported key is refused everywhere. After an hour it is revoked, unless somebody releases it.
      </Text>
      {keys.isError && <FaultAlert error={keys.error} retry={() => void keys.refetch()} />}
      {!(keys.isError && keys.data === undefined) && (
        <QuarantinedKeysTable
          hiddenKeys={keys.data?.items}
          isManager={isManager}
          onRelease={setReleasing}
          onRevoke={setRevoking}
        />
      )}
      <Pager cursor={read('cursor')} next={keys.data?.next} onTurn={(cursor) => write({ cursor })} />
      {releasing !== null && <ReleaseKey hiddenKey={releasing} onClose={() => setReleasing(null)} />}
      {revoking !== null && <RevokeHiddenKey hiddenKey={revoking} onClose={() => setRevoking(null)} />}
    </Stack>
  );
}

function LeakReports() {
  const [read, write] = useSearchState();
  const reports = useLeakReports(read('reports'));
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        Reports
      </Title>
      {reports.isError && <FaultAlert error={reports.error} retry={() => void reports.refetch()} />}
      {!(reports.isError && reports.data === undefined) && <LeakReportsTable reports={reports.data?.items} />}
      <Pager
        cursor={read('reports')}
        next={reports.data?.next}
        onTurn={(cursor) => write({ reports: cursor })}
      />
    </Stack>
  );
}
