import { z } from 'zod';
import { listMasterKeys } from '../../usecases/master-keys/list-master-keys.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { name, noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { masterKeyFields, toMasterKeyAnswer } from './master-key-schemas.ts';

const path = '/api/v1/platform/master-keys';

export const listMasterKeysRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listMasterKeys',
  summary: 'List master keys',
  description: 'Newest first, ended ones included unless a status is asked for. The next page is in `Link`.',
  access: platformCaller('super-admin'),
  params: noParams,
  query: z.strictObject({
    name: name.optional().describe('Part of a name, in any case'),
    status: masterKeyFields.status.optional(),
    limit: pageLimit,
    cursor: cursorOf('masterKey').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of master keys.' },
  answer: z.array(z.strictObject(masterKeyFields)),
  errors: [],
  async handle(parts: Parameters<typeof listMasterKeys>[0], { query }) {
    const { cursor, ...narrowed } = query;
    const { items, next } = await listMasterKeys(parts, { ...narrowed, before: cursor });
    return {
      status: 200,
      body: items.map(toMasterKeyAnswer),
      ...nextPage(path, narrowed, next && toCursor(next)),
    };
  },
});
