import { z } from 'zod';
import { externalIdPattern } from '../../domain/ids.ts';
import { listNames, namedKinds } from '../../usecases/overview/list-names.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';

const idsMax = 100;

export const listNamesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/names',
  operationId: 'listNames',
  summary: 'Names of things by id',
  description:
    'For lists that keep ids only, such as the audit log. Absent: unknown ids, and things that the operator may not list. A hidden key without a name has the beginning of its secret as one.',
  access: platformCaller('nothing', 'confined'),
  params: noParams,
  query: z.strictObject({
    ids: z
      .string()
      .transform((text) => [...new Set(text.split(','))])
      .refine(areIds, `must be 1 to ${idsMax} ids, separated by commas`)
      .meta({ override: { type: 'string' }, description: `Up to ${idsMax} ids, separated by commas` }),
  }),
  body: noBody,
  success: { 200: 'The names that were found, in no order.' },
  answer: z.strictObject({
    data: z.array(z.strictObject({ id: z.string(), kind: z.enum(namedKinds), name: z.string() })),
  }),
  errors: [],
  async handle(parts: Parameters<typeof listNames>[0], { query, caller }) {
    return { status: 200, body: { data: await listNames(parts, caller.principal, query.ids) } };
  },
});

function areIds(ids: readonly string[]): boolean {
  return ids.length <= idsMax && ids.every((id) => externalIdPattern.test(id));
}
