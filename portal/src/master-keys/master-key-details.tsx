import { Anchor, Code, Skeleton } from '@mantine/core';
import { Link } from 'react-router';
import { StatusBadge } from '../api-keys/status-badge.tsx';
import { RecentEvents } from '../audit/recent-events.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { MintedTree } from './minted-tree.tsx';
import { type MasterKey, useMasterKey } from './use-master-keys.ts';

export function MasterKeyDetails({ id, onClose }: { id: string; onClose: () => void }) {
  const masterKey = useMasterKey(id);
  return (
    <Dialog onClose={onClose} title={masterKey.data?.name ?? 'Master key'} size="xl">
      {masterKey.isError && <FaultAlert error={masterKey.error} />}
      {masterKey.isPending && <Skeleton h={420} />}
      {masterKey.data !== undefined && <Facts facts={factsOf(masterKey.data)} />}
      <MintedTree id={id} />
      <RecentEvents targetId={id} />
    </Dialog>
  );
}

function factsOf(masterKey: MasterKey): Fact[] {
  return [
    ['Key', masterKey.key_prefix === null ? 'Chosen secret' : <Code key="key">{masterKey.key_prefix}…</Code>],
    ['Id', <Code key="id">{masterKey.id}</Code>],
    ['Permissions', <Names key="permissions" names={masterKey.permissions} />],
    ['Organizations', allowed(masterKey.organization_ids, 'All')],
    ['Environments', allowed(masterKey.environments, 'All')],
    ['IP addresses', allowed(masterKey.ip_allowlist, 'Any')],
    ['Minted', <Minted key="minted" masterKey={masterKey} />],
    ['Living keys', livingText(masterKey)],
    ['Refresh due', masterKey.key_age_seconds_max === null ? '—' : ageText(masterKey.key_age_seconds_max)],
    ['Mint quota', quotaText(masterKey)],
    ['Last used', <Time key="used" at={masterKey.last_used_at} none="Never" />],
    ['Status', <StatusBadge key="status" status={masterKey.status} />],
    ['Created', <Time key="created" at={masterKey.created_at} none="—" />],
    ['Expires', <Time key="expires" at={masterKey.expires_at} none="Never" as="last-day" />],
    ['Revoked', <Time key="revoked" at={masterKey.revoked_at} none="—" />],
  ];
}

function ageText(seconds: number): string {
  return `At an age of ${number(seconds / 86_400)} days`;
}

function livingText({ living_count: living, living_keys_max: max }: MasterKey): string {
  return max === null ? number(living) : `${number(living)} of at most ${number(max)}`;
}

function quotaText({ mint_quota: quota }: MasterKey): string {
  return quota === null ? 'None' : `${number(quota.limit)} a ${quota.period}`;
}

function allowed(list: string[] | null, none: string): string {
  return list === null ? none : list.join(', ');
}

/** Links to the audit log, which has each mint. */
function Minted({ masterKey: { id, minted_count: count } }: { masterKey: MasterKey }) {
  if (count === 0) return 'No key yet';
  const minted = new URLSearchParams({ event_type: 'key.minted', actor: id });
  return (
    <Anchor component={Link} to={`/audit?${minted}`}>
      {count === 1 ? '1 key' : `${count.toLocaleString()} keys`}, in Audit
    </Anchor>
  );
}
