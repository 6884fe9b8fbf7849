import { z } from 'zod';
import { listOrganizations } from '../../usecases/organizations/list-organizations.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { nextPage, pageLimit } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  organizationCursor,
  organizationFields,
  organizationName,
  toOrganizationAnswer,
  toOrganizationCursor,
} from './organization-schemas.ts';

const path = '/api/v1/platform/tenants';

export const listOrganizationsRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listTenants',
  summary: 'List tenants',
  description:
    'Newest first, tenants created by a first mint included. The next page is in `Link`. Deleted ones only with `status=deleted`.',
  access: platformCaller('platform:tenants:read', 'confined'),
  params: noParams,
  query: z.strictObject({
    name: organizationName.optional().describe('Part of a name, in any case'),
    status: organizationFields.status.optional(),
    limit: pageLimit,
    cursor: organizationCursor.optional(),
  }),
  body: noBody,
  success: { 200: 'A page of tenants.' },
  answer: z.array(z.strictObject(organizationFields)),
  errors: [],
  async handle(parts: Parameters<typeof listOrganizations>[0], { query, caller }) {
    const { cursor, ...narrowed } = query;
    const { items, next } = await listOrganizations(parts, caller.principal, {
      ...narrowed,
      before: cursor,
    });
    return {
      status: 200,
      body: items.map(toOrganizationAnswer),
      ...nextPage(path, narrowed, next && toOrganizationCursor(next)),
    };
  },
});
