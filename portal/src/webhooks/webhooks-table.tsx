import { ActionIcon, Anchor, Menu, Table, Text } from '@mantine/core';
import { ListTable } from '../parts/list-table.tsx';
import { Named } from '../parts/named.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { useNames } from '../parts/use-names.ts';
import { nameOf, type Webhook } from './use-webhooks.ts';
import { WebhookStatus } from './webhook-status.tsx';
import type { WebhookAction } from './webhooks-page.tsx';

type OnAction = (action: WebhookAction, webhook: Webhook) => void;

type Props = {
  /** Undefined while loading. */
  webhooks: Webhook[] | undefined;
  isManager: boolean;
  onAction: OnAction;
};

const columns = ['Endpoint', 'Events', 'Tenant', 'Last Delivered', 'Waiting', 'Status'];

export function WebhooksTable({ webhooks, isManager, onAction }: Props) {
  const nameOfTenant = useNames((webhooks ?? []).map(({ organization_id }) => organization_id));
  return (
    <ListTable
      label="Webhooks"
      minWidth={860}
      columns={isManager ? [...columns, 'Actions'] : columns}
      items={webhooks}
      empty={
        isManager
          ? 'There is no webhook yet. Create one for a system that is to hear of changes.'
          : 'There is no webhook yet.'
      }
    >
      {(webhook) => (
        <Table.Tr key={webhook.id}>
          <Table.Td maw={320} style={{ overflowWrap: 'anywhere' }}>
            <Anchor
              component="button"
              type="button"
              fw={600}
              ta="left"
              onClick={() => onAction('details', webhook)}
            >
              {nameOf(webhook)}
            </Anchor>
            <Text size="sm">{webhook.url}</Text>
          </Table.Td>
          <Table.Td maw={220}>{typesText(webhook.types)}</Table.Td>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>
            {webhook.organization_id === null ? (
              'All'
            ) : (
              <Named id={webhook.organization_id} name={nameOfTenant(webhook.organization_id)} />
            )}
          </Table.Td>
          <Table.Td>
            <Time at={webhook.last_delivered_at} none="Never" />
          </Table.Td>
          <Table.Td>{number(webhook.waiting_events)}</Table.Td>
          <Table.Td>
            <WebhookStatus webhook={webhook} />
          </Table.Td>
          {isManager && (
            <Table.Td>
              <WebhookMenu webhook={webhook} onAction={onAction} />
            </Table.Td>
          )}
        </Table.Tr>
      )}
    </ListTable>
  );
}

/** The first types, and the number of others; the details show all. */
function typesText(types: readonly string[]): string {
  if (types.includes('*')) return 'All';
  const more = types.length > 2 ? ` and ${types.length - 2} more` : '';
  return `${types.slice(0, 2).join(', ')}${more}`;
}

function WebhookMenu({ webhook, onAction }: { webhook: Webhook; onAction: OnAction }) {
  const switched = webhook.enabled ? 'disable' : 'enable';
  const items: [WebhookAction, string][] = [
    ['details', 'Details'],
    ['test', 'Send a test event'],
    ['replay', 'Send events again'],
    ['edit', 'Edit'],
    ['rotate', 'Rotate the secret'],
    [switched, webhook.enabled ? 'Disable' : 'Enable'],
    ['delete', 'Delete'],
  ];
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" aria-label={`Actions for ${nameOf(webhook)}`}>
          <span aria-hidden>⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {items.map(([action, label]) => (
          <Menu.Item key={action} onClick={() => onAction(action, webhook)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
