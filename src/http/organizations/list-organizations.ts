import { z } from 'zod';
import { listTenants } from '../../usecases/organizations/list-organizations.ts';
import { operator } from '../access/operator.ts';
import { nextPage, pageLimit } from '../cursor.ts';
import { defineRoute } from '../route.ts';
import { noBody, noParams } from '../user-keys/key-schemas.ts';
import {
  tenantCursor,
  tenantFields,
  tenantName,
  toTenantAnswer,
  toTenantCursor,
} from './organization-schemas.ts';

const path = '/api/v1/platform/tenants';

export const listTenantsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listTenants',
  summary: 'List tenants',
  description:
    'Newest first, those included that came into being with their first key. The next page is in `Link`. Deleted ones only with `status=deleted`.',
  access: operator('platform:tenants:read'),
  params: noParams,
  query: z.strictObject({
    name: tenantName.optional().describe('Part of a name, in any case'),
    status: tenantFields.status.optional(),
    limit: pageLimit,
    cursor: tenantCursor.optional(),
  }),
  body: noBody,
  success: { 200: 'A page of tenants.' },
  answer: z.array(z.strictObject(tenantFields)),
  errors: [],
  async handle(parts: Parameters<typeof listTenants>[0], { query }) {
    const { cursor, ...narrowed } = query;
    const { tenants, end } = await listTenants(parts, { ...narrowed, before: cursor });
    return {
      status: 200,
      body: tenants.map(toTenantAnswer),
      ...nextPage(path, narrowed, end && toTenantCursor(end)),
    };
  },
});
