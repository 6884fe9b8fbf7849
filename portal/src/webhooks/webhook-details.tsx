import { Code, Skeleton } from '@mantine/core';
import { RecentEvents } from '../audit/recent-events.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { type Fact, Facts, Names } from '../parts/facts.tsx';
import { FaultAlert } from '../parts/fault-alert.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { nameOf, useWebhook, type Webhook } from './use-webhooks.ts';
import { WebhookDeliveries } from './webhook-deliveries.tsx';
import { disabledReasons, WebhookStatus } from './webhook-status.tsx';

type Props = { id: string; isManager: boolean; onClose: () => void };

export function WebhookDetails({ id, isManager, onClose }: Props) {
  const webhook = useWebhook(id);
  return (
    <Dialog onClose={onClose} title={webhook.data === undefined ? 'Webhook' : nameOf(webhook.data)} size="xl">
      {webhook.isError && <FaultAlert error={webhook.error} />}
      {webhook.isPending && <Skeleton h={360} />}
      {webhook.data !== undefined && (
        <>
          <Facts facts={factsOf(webhook.data)} />
          <WebhookDeliveries id={id} isManager={isManager} />
        </>
      )}
      <RecentEvents targetId={id} />
    </Dialog>
  );
}

function factsOf(webhook: Webhook): Fact[] {
  const { disabled_reason: reason, failing_since: failingSince, previous_secret_until: until } = webhook;
  return [
    ['Address', webhook.url],
    ['Id', <Code key="id">{webhook.id}</Code>],
    ['Status', <WebhookStatus key="status" webhook={webhook} />],
    ...optional('Disabled because', reason !== null && disabledReasons[reason]),
    ...optional('Failing since', failingSince !== null && <Time key="since" at={failingSince} none="—" />),
    ['Events', webhook.types.includes('*') ? 'All' : <Names key="types" names={webhook.types} />],
    ['Tenant', webhook.organization_id ?? 'All'],
    ['Waiting', `${number(webhook.waiting_events)}, with events of types that it does not get`],
    ['Last delivered', <Time key="delivered" at={webhook.last_delivered_at} none="Never" />],
    ...optional('Old secret signs', until !== null && <Time key="until" at={until} none="—" />),
    ['Created', <Time key="created" at={webhook.created_at} none="—" />],
  ];
}

function optional(label: string, value: Fact[1]): Fact[] {
  return value === false ? [] : [[label, value]];
}
