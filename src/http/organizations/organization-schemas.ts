import { z } from 'zod';
import type { Organization } from '../../domain/organization.ts';
import type { OrganizationDetails } from '../../usecases/organizations/get-organization.ts';
import { toCursor } from '../cursor.ts';
import { externalId, name, timestampText } from '../fields.ts';

export const organizationIdParam = z.strictObject({ id: externalId });
export const organizationName = name;

export const organizationFields = {
  id: z.string().describe('`org_…`, or the id that a backend chose at its first mint'),
  name: z.string(),
  status: z.enum(['active', 'suspended', 'deleted']),
  created_at: timestampText,
};

const counted = z.int().describe('Counted up to 10000, which means that many or more');

/** Fields of one organization beyond those of a list. */
export const organizationDetailsFields = {
  ...organizationFields,
  counts: z.strictObject({
    tenant_keys: counted,
    active_tenant_keys: counted,
    hidden_keys: counted,
    environments: counted,
  }),
  environments: z.array(z.string()).describe('Their names, the newest first, at most 100'),
};

export function toOrganizationDetailsAnswer({ counts, environments, ...tenant }: OrganizationDetails) {
  return {
    ...toOrganizationAnswer(tenant),
    counts: {
      tenant_keys: counts.tenantKeys,
      active_tenant_keys: counts.activeTenantKeys,
      hidden_keys: counts.hiddenKeys,
      environments: counts.environments,
    },
    environments,
  };
}

export function toOrganizationAnswer({ id, name: called, status, createdAt }: Organization) {
  return { id, name: called, status, created_at: createdAt.toISOString() };
}

type Place = Pick<Organization, 'id' | 'createdAt'>;

/** Opaque cursor of the tenant list. Begins with the time, since external ids do not sort by it. */
export const organizationCursor = z
  .string()
  .max(300)
  .transform((text, context): Place => {
    const decoded = Buffer.from(text, 'base64url').toString('latin1');
    const [, ms, id] = /^(\d{1,14}) (\S+)$/.exec(decoded) ?? [];
    if (ms !== undefined && externalId.safeParse(id).success && id !== undefined) {
      return { createdAt: new Date(Number(ms)), id };
    }
    context.addIssue('is not a cursor of this list');
    return z.NEVER;
  });

export function toOrganizationCursor({ id, createdAt }: Place): string {
  return toCursor(`${createdAt.getTime()} ${id}`);
}
