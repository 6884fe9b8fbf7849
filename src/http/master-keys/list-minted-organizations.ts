import { z } from 'zod';
import { externalIdPattern } from '../../domain/ids.ts';
import { listMintedOrganizations } from '../../usecases/master-keys/list-minted-organizations.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { masterKeyId } from './master-key-schemas.ts';

const cursor = z
  .string()
  .max(200)
  .transform((text) => Buffer.from(text, 'base64url').toString('latin1'))
  .refine((id) => externalIdPattern.test(id), 'is not a cursor of this list');

export const listMintedOrganizationsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/master-keys/:id/organizations',
  operationId: 'listMintedOrganizations',
  summary: 'List the organizations for which a master key has minted',
  description:
    'With the number of its keys in each, by the ids of the organizations. The keys themselves: `GET /api/v1/platform/hidden-keys` with `minted_by` and `organization_id`. The next page is in `Link`.',
  access: platformCaller('super-admin'),
  params: masterKeyId,
  query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
  body: noBody,
  success: { 200: 'A page of organizations.' },
  answer: z.array(
    z.strictObject({
      organization_id: z.string(),
      living_count: z.int().describe('Active keys, disabled ones included'),
      total_count: z.int().describe('Ended keys too'),
    }),
  ),
  errors: ['MASTER_KEY_NOT_FOUND'],
  async handle(parts: Parameters<typeof listMintedOrganizations>[0], { params, query }) {
    const { limit, cursor: after } = query;
    const { items, next } = await listMintedOrganizations(parts, params.id, { limit, after });
    return {
      status: 200,
      body: items.map(({ organizationId, living, total }) => ({
        organization_id: organizationId,
        living_count: living,
        total_count: total,
      })),
      ...nextPage(
        `/api/v1/platform/master-keys/${params.id}/organizations`,
        { limit },
        next && toCursor(next),
      ),
    };
  },
});
