import { z } from 'zod';
import { getMasterKey } from '../../usecases/master-keys/get-master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { masterKeyFields, masterKeyId, toMasterKeyAnswer } from './master-key-schemas.ts';

export const getMasterKeyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/master-keys/:id',
  operationId: 'getMasterKey',
  summary: 'Look at one master key',
  description: 'Its rights and what it minted; never its secret.',
  access: platformCaller('super-admin'),
  params: masterKeyId,
  query: noQuery,
  body: noBody,
  success: { 200: 'The master key.' },
  answer: z.strictObject(masterKeyFields),
  errors: ['MASTER_KEY_NOT_FOUND'],
  async handle(parts: Parameters<typeof getMasterKey>[0], { params }) {
    return { status: 200, body: toMasterKeyAnswer(await getMasterKey(parts, params.id)) };
  },
});
