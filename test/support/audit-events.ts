import type { TestBroker } from './broker.ts';

/** Audit events of one target or organization, oldest first. */
export async function auditEventsOf(
  broker: Pick<TestBroker, 'db'>,
  of: { targetId: string } | { organizationId: string },
) {
  const query = broker.db
    .selectFrom('audit_events')
    .select([
      'event_type',
      'actor_kind',
      'actor_id',
      'organization_id',
      'target_id',
      'request_id',
      'details',
      'client_address',
    ]);
  const narrowed =
    'targetId' in of
      ? query.where('target_id', '=', of.targetId)
      : query.where('organization_id', '=', of.organizationId);
  return narrowed.orderBy('created_at').orderBy('id').execute();
}
