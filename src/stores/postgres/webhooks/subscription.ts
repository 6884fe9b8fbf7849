import { sql } from 'kysely';
import { everyType, type Webhook } from '../../../domain/webhook.ts';

export type Subscription = Pick<Webhook, 'id' | 'types' | 'organizationId'>;

/**
 * Condition on an event `e`: the endpoint may see it and wants its type. Its own tests were sent
 * when they were ordered.
 */
export function subscribed({ id, types, organizationId }: Subscription) {
  const wanted = types.includes(everyType)
    ? sql<boolean>`true`
    : sql<boolean>`e.event_type = ANY(${[...types]}::text[])`;
  const within =
    organizationId === null ? sql<boolean>`true` : sql<boolean>`e.organization_id = ${organizationId}`;
  return sql<boolean>`${wanted} AND ${within} AND NOT (e.event_type = 'webhook.tested' AND e.target_id = ${id})`;
}
