import { Table } from '@mantine/core';
import type { AuditEvent } from '../audit/use-audit.ts';
import { ListTable } from '../parts/list-table.tsx';
import { Time } from '../parts/time.tsx';
import { UserKeyLink } from '../user-keys/user-key-link.tsx';

const columns = ['Time', 'Key', 'Of', 'Reporter', 'Found', 'Then'];

const kinds: Record<string, string> = {
  tenant: 'Tenant key',
  platform: 'Platform key',
  api_user: 'Key of an API user',
  master: 'Master key',
};

const actions: Record<string, string> = {
  quarantined: 'Quarantined',
  revoked: 'Revoked',
  none: 'Nothing was changed',
};

/** Newest first. `reports` is undefined while loading. */
export function LeakReportsTable({ reports }: { reports: AuditEvent[] | undefined }) {
  return (
    <ListTable
      label="Reports of leaked keys"
      minWidth={800}
      columns={columns}
      items={reports}
      empty="No scanner has reported a key of ours."
    >
      {(report) => <ReportRow key={report.id} report={report} />}
    </ListTable>
  );
}

function ReportRow({ report: { created_at, target_id, details } }: { report: AuditEvent }) {
  const { reporter, url, source, action } = details;
  return (
    <Table.Tr>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Time at={created_at} none="—" />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {typeof target_id === 'string' && target_id.startsWith('flk_') ? (
          <UserKeyLink id={target_id}>{textOr(details.key_prefix, target_id)}</UserKeyLink>
        ) : (
          textOr(details.key_prefix, target_id ?? '—')
        )}
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {textOr(details.user_id, kinds[String(details.kind)] ?? '—')}
      </Table.Td>
      <Table.Td>{textOr(reporter, '—')}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        {/* A text and no link: opening it may warn its owner. */}
        {textOr(url, textOr(source, '—'))}
      </Table.Td>
      <Table.Td>{actions[String(action)] ?? '—'}</Table.Td>
    </Table.Tr>
  );
}

function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}
