import { Code, Skeleton } from '@mantine/core';
import { RecentEvents } from '../audit/recent-events.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Named } from '../parts/named.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { StatusBadge } from './status-badge.tsx';
import { UsageHistory } from './usage-history.tsx';
import { type ApiKey, keysKey, loadKeyUsage, useApiKey } from './use-api-keys.ts';

export function KeyDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const apiKey = useApiKey(id);
  const nameOf = useNames([apiKey.data?.organization_id, ...(apiKey.data?.role_ids ?? [])]);
  return (
    <Dialog onClose={onClose} title={apiKey.data?.name ?? 'API key'} size="xl">
      {apiKey.isError && <FaultAlert error={apiKey.error} />}
      {apiKey.isPending && <Skeleton h={420} />}
      {apiKey.data !== undefined && (
        <>
          <Facts facts={factsOf(apiKey.data, nameOf)} />
          <UsageHistory of={[keysKey, id]} load={(span) => loadKeyUsage(id, span)} />
        </>
      )}
      <RecentEvents targetId={id} />
    </Dialog>
  );
}

function factsOf(apiKey: ApiKey, nameOf: (id: string) => string | undefined): Fact[] {
  return [
    ['Description', apiKey.description ?? '—'],
    ['Key', <Code key="key">{apiKey.key_masked}</Code>],
    ['Id', <Code key="id">{apiKey.id}</Code>],
    ['Kind', apiKey.platform ? 'Platform key' : 'Tenant key'],
    ...(apiKey.organization_id === null
      ? []
      : ([
          [
            'Tenant',
            <Named key="tenant" id={apiKey.organization_id} name={nameOf(apiKey.organization_id)} />,
          ],
        ] as Fact[])),
    ['Environment', apiKey.environment ?? '—'],
    ['Scopes', <Names key="scopes" names={apiKey.scopes} />],
    ['Roles', <Names key="roles" names={apiKey.role_ids.map((id) => nameOf(id) ?? id)} />],
    ['Status', <StatusBadge key="status" status={apiKey.status} />],
    ['Created', <Time key="created" at={apiKey.created_at} none="—" />],
    ['Expires', <Time key="expires" at={apiKey.expires_at} none="Never" as="last-day" />],
    ['Revoked', <Time key="revoked" at={apiKey.revoked_at} none="—" />],
    ['Last used', <Time key="used" at={apiKey.last_used_at} none="Never" />],
    ['Calls', `${number(apiKey.usage.total_requests)} in all, ${number(apiKey.usage.requests_today)} today`],
    ['Refused', number(apiKey.usage.refused_requests)],
  ];
}
