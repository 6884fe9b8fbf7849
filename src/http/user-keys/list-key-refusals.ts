import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { RefusalReadParts } from '../../usecases/user-keys/kept-refusals.ts';
import { listKeyRefusals } from '../../usecases/user-keys/list-key-refusals.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { keyId, noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { refusalFields, toRefusalAnswer } from './refusal-answers.ts';

type Asked = { params: { key_id: string }; caller: Caller };

const listsRefusals = {
  method: 'get',
  description:
    'The last 20 refusals of this key, newest first: when, why, where, through which gateway and for which address. A refusal can be read within ten seconds and is kept for seven days, unless a flood of refusals makes room for newer ones or Redis is lost. A predecessor in its grace has its own.',
  params: z.strictObject({ key_id: keyId }),
  query: noQuery,
  body: noBody,
  errors: ['KEY_NOT_FOUND', 'DEPENDENCY_UNAVAILABLE'],
} as const;

async function readAnswers(parts: RefusalReadParts, { params, caller }: Asked) {
  const refusals = await listKeyRefusals(parts, caller.principal, params.key_id);
  return refusals.map(toRefusalAnswer);
}

export const listKeyRefusalsRoute = defineRoute({
  ...listsRefusals,
  path: '/v1/flowplate/api-keys/:key_id/refusals',
  operationId: 'listKeyRefusals',
  summary: 'Last refusals of a key',
  access: masterKey('keys:explain'),
  success: { 200: 'The refusals; there is no further page.' },
  answer: z.strictObject({ data: z.array(z.strictObject(refusalFields)), next_cursor: z.null() }),
  async handle(parts: RefusalReadParts, asked) {
    return { status: 200, body: { data: await readAnswers(parts, asked), next_cursor: null } };
  },
});

export const listKeyRefusalsForPlatformRoute = defineRoute({
  ...listsRefusals,
  path: '/api/v1/platform/hidden-keys/:key_id/refusals',
  operationId: 'listHiddenKeyRefusals',
  summary: 'Last refusals of a hidden user key',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
  success: { 200: 'The refusals.' },
  answer: z.array(z.strictObject(refusalFields)),
  async handle(parts: RefusalReadParts, asked) {
    return { status: 200, body: await readAnswers(parts, asked) };
  },
});
