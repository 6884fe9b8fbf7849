import { z } from 'zod';
import { listOrganizationUsage, type UsageDay } from '../../usecases/overview/list-organization-usage.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { pageLimit } from '../cursor.ts';
import { endTime, externalId, noBody, noParams, startTime, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';

const sums = { requests: z.int().describe('Accepted verifications'), refused: z.int() };
const day = z.strictObject({ day: z.iso.date(), ...sums });

export const listOrganizationUsageRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/usage',
  operationId: 'listTenantUsage',
  summary: 'Calls of each tenant by day',
  description:
    "The tenants with the most accepted verifications in a range of UTC days, most first, with their calls by day. A tenant's numbers include its hidden keys. Days without calls are omitted. At most 92 days; the last 30 unless set.",
  access: platformCaller('platform:tenants:read', 'confined'),
  params: noParams,
  query: z.strictObject({
    from: startTime.optional(),
    to: endTime.optional(),
    organization_id: externalId.optional().describe('One tenant'),
    limit: pageLimit,
  }),
  body: noBody,
  success: { 200: 'The tenants, and all tenants together.' },
  answer: z.strictObject({
    from: timestampText,
    to: timestampText,
    tenants: z.array(z.strictObject({ id: z.string(), name: z.string(), ...sums, days: z.array(day) })),
    all: z.array(day).describe('All tenants together, those beyond `limit` included'),
  }),
  errors: [],
  async handle(parts: Parameters<typeof listOrganizationUsage>[0], { query, caller }) {
    const { organization_id: organizationId, ...asked } = query;
    const usage = await listOrganizationUsage(parts, caller.principal, { ...asked, organizationId });
    return {
      status: 200,
      body: {
        from: usage.from.toISOString(),
        to: usage.to.toISOString(),
        tenants: usage.organizations.map(({ id, name, accepted, refused, days }) => ({
          id,
          name,
          requests: accepted,
          refused,
          days: days.map(toDay),
        })),
        all: usage.all.map(toDay),
      },
    };
  },
});

function toDay({ day, accepted, refused }: UsageDay) {
  return { day: day.toISOString().slice(0, 10), requests: accepted, refused };
}
