import type { PlatformPermission } from '../../src/domain/permission.ts';
import type { TestBroker } from './broker.ts';
import type { Answer } from './call.ts';
import { newOwner } from './keys.ts';
import { organization, platformKey } from './platform-callers.ts';

export type Operator = Awaited<ReturnType<typeof platformKey>>;

/** Operators with read, with write and without access to tenants, and their calls. */
export async function impersonation(broker: TestBroker) {
  return {
    reader: await operatorWith(broker, 'platform:impersonate:read'),
    writer: await operatorWith(broker, 'platform:impersonate'),
    nobody: await operatorWith(
      broker,
      'platform:users:manage',
      'platform:tenants:manage',
      'platform:keys:manage',
    ),
    callAs(
      who: Operator,
      operation: string,
      inside: string,
      more: Record<string, string> = {},
      body?: unknown,
    ): Promise<Answer> {
      const headers = { ...who.headers, 'x-flowplate-org': inside, ...more };
      return broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
    },
    /** An organization of the test's own. */
    async newOrganization(): Promise<string> {
      const { organization_id } = newOwner();
      await organization(broker, organization_id);
      return organization_id;
    },
    /** Audit events of an organization, by type and actor: several may share a millisecond. */
    eventsIn: (organizationId: string) =>
      broker.db
        .selectFrom('audit_events')
        .select(['event_type', 'actor_kind', 'actor_id', 'on_behalf_of', 'result', 'request_id', 'details'])
        .where('organization_id', '=', organizationId)
        .orderBy('event_type')
        .orderBy('actor_id')
        .execute(),
  };
}

/** An operator with these permissions only. */
async function operatorWith(broker: TestBroker, ...permissions: PlatformPermission[]): Promise<Operator> {
  const id = `role_${permissions.join('')}`;
  const at = new Date();
  await broker.db
    .insertInto('roles')
    .values({ id, name: id, permissions, created_at: at, updated_at: at })
    .execute();
  return platformKey(broker, [id]);
}
