import { Anchor, Code, Skeleton } from '@mantine/core';
import { Link } from 'react-router';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { UsageHistory } from '../api-keys/usage-history.tsx';
import { RecentEvents } from '../audit/recent-events.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { Named } from '../parts/named.tsx';
import { number } from '../parts/number.ts';
import { reasonLabel } from '../parts/revocation-reason.tsx';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { ExplainKey } from './explain-key.tsx';
import { LastRefusals } from './last-refusals.tsx';
import { type HiddenKey, hiddenKeysKey, loadHiddenKeyUsage, useHiddenKey } from './use-user-keys.ts';

export function HiddenKeyDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const hiddenKey = useHiddenKey(id);
  const nameOf = useNames([hiddenKey.data?.organization_id]);
  return (
    <Dialog onClose={onClose} title={hiddenKey.data?.key_prefix ?? 'Hidden key'} size="xl">
      {hiddenKey.isError && <FaultAlert error={hiddenKey.error} />}
      {hiddenKey.isPending && <Skeleton h={420} />}
      {hiddenKey.data !== undefined && (
        <>
          <Facts facts={factsOf(hiddenKey.data, nameOf)} />
          <LastRefusals id={id} />
          <ExplainKey id={id} />
          <UsageHistory of={[hiddenKeysKey, id]} load={(span) => loadHiddenKeyUsage(id, span)} />
        </>
      )}
      <RecentEvents targetId={id} />
    </Dialog>
  );
}

function factsOf(key: HiddenKey, nameOf: (id: string) => string | undefined): Fact[] {
  return [
    ['Name', key.name ?? '—'],
    ['Key', <Code key="key">{key.key_prefix}…</Code>],
    ['Id', <Code key="id">{key.key_id}</Code>],
    ['User', key.user_id],
    [
      'Organization',
      <Named key="organization" id={key.organization_id} name={nameOf(key.organization_id)} />,
    ],
    ['Environment', key.environment],
    ['Minted by', key.minted_by === null ? 'Not known' : <Minter key="minter" id={key.minted_by} />],
    ['Scopes', <Names key="scopes" names={key.scopes} />],
    ['Metadata', <MetadataText key="metadata" metadata={key.metadata} />],
    ['Rate limit', rateLimitText(key.rate_limit)],
    ['Quota', quotaText(key.quota)],
    ['IP addresses', key.ip_allowlist === null ? 'Any' : key.ip_allowlist.join(', ')],
    ['Status', <StatusBadge key="status" status={key.status} />],
    ['Created', <Time key="created" at={key.created_at} none="—" />],
    ['Changed', <Time key="changed" at={key.updated_at} none="—" />],
    ['Expires', <Time key="expires" at={key.expires_at} none="Never" as="last-day" />],
    ['Grace until', <Time key="grace" at={key.superseded_until} none="—" />],
    ['Revoked', <Time key="revoked" at={key.revoked_at} none="—" />],
    ['Reason', key.revoked_reason === null ? '—' : reasonLabel(key.revoked_reason)],
    ['Last used', <Time key="used" at={key.usage.last_used_at} none="Never" />],
    ['Calls', `${number(key.usage.total_requests)} in all, ${number(key.usage.requests_today)} today`],
    ['Refused', number(key.usage.refused_requests)],
  ];
}

/** Leads to the keys of the same master key; its own page is for super-admins. */
function Minter({ id }: { id: string }) {
  return (
    <Anchor component={Link} to={`/hidden-keys?${new URLSearchParams({ minted_by: id })}`}>
      {id}
    </Anchor>
  );
}

function MetadataText({ metadata }: Pick<HiddenKey, 'metadata'>) {
  if (Object.keys(metadata).length === 0) return '—';
  return (
    <Code block tabIndex={0}>
      {JSON.stringify(metadata, null, 2)}
    </Code>
  );
}

function rateLimitText(limit: HiddenKey['rate_limit']): string {
  if (limit === null) return 'None';
  return `${number(limit.limit)} in ${number(limit.window_seconds)} s${ifUnavailable(limit)}`;
}

function quotaText(quota: HiddenKey['quota']): string {
  return quota === null ? 'None' : `${number(quota.limit)} a ${quota.period}${ifUnavailable(quota)}`;
}

/** Omits the default, a share of each process. */
function ifUnavailable({
  on_unavailable,
}: {
  on_unavailable?: 'local' | 'deny' | 'allow' | undefined;
}): string {
  if (on_unavailable === 'deny') return '; refused while it cannot be counted';
  return on_unavailable === 'allow' ? '; not limited while it cannot be counted' : '';
}
