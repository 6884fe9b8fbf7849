import { Badge } from '@mantine/core';
import type { Webhook } from './use-webhooks.ts';

type State = Pick<Webhook, 'enabled' | 'failing_since'>;

export function WebhookStatus({ webhook }: { webhook: State }) {
  const { label, color } = lookOf(webhook);
  return (
    <Badge variant="dot" color={color}>
      {label}
    </Badge>
  );
}

function lookOf({ enabled, failing_since }: State): { label: string; color: string } {
  if (!enabled) return { label: 'Disabled', color: 'gray' };
  return failing_since === null ? { label: 'Enabled', color: 'green' } : { label: 'Failing', color: 'red' };
}

/** Why the broker itself disabled it. */
export const disabledReasons: Record<NonNullable<Webhook['disabled_reason']>, string> = {
  gone: 'The endpoint answered 410 Gone',
  failing: 'Nothing but failures for a week',
  organization_deleted: 'Its tenant was deleted',
};
