import { z } from 'zod';
import { platformOrganizationId } from '../../domain/api-key.ts';
import { getTopTraffic, type TopTraffic } from '../../usecases/overview/get-top-traffic.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { pageLimitTo } from '../cursor.ts';
import { noBody, noParams, wholeDay } from '../fields.ts';
import { defineRoute } from '../route.ts';

const sums = { requests: z.int().describe('Accepted verifications'), refused: z.int() };

export const getTopTrafficRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/traffic/top',
  operationId: 'getTopTraffic',
  summary: 'The tenants and keys with the most calls of a day',
  description:
    "By accepted verifications on a UTC day, most first. A tenant's number includes its hidden keys. The list of keys has hidden ones only for operators with `platform:hidden_keys:read`. A refreshed key counts under its newest id, without calls with an older secret in its grace. Deleted keys are omitted.",
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: z.strictObject({
    day: wholeDay.optional().describe('`YYYY-MM-DD` in UTC; today unless set'),
    limit: pageLimitTo(20),
  }),
  body: noBody,
  success: { 200: 'Both lists.' },
  answer: z.strictObject({
    day: z.iso.date(),
    tenants: z
      .array(z.strictObject({ id: z.string(), name: z.string(), ...sums }))
      .nullable()
      .describe('null without `platform:tenants:read`'),
    keys: z.array(
      z.strictObject({
        id: z.string(),
        name: z.string().nullable(),
        kind: z.enum(['tenant', 'platform', 'user']).describe('`user`: a hidden key'),
        organization_id: z.string().nullable().describe('null for a platform key'),
        prefix: z.string().describe('How the secret begins'),
        key_masked: z.string(),
        ...sums,
      }),
    ),
  }),
  errors: [],
  async handle(parts: Parameters<typeof getTopTraffic>[0], { query, caller }) {
    const top = await getTopTraffic(parts, caller.principal, query);
    return {
      status: 200,
      body: {
        day: top.day.toISOString().slice(0, 10),
        tenants:
          top.tenants?.map(({ id, name, accepted, refused }) => ({
            id,
            name,
            requests: accepted,
            refused,
          })) ?? null,
        keys: top.keys.map(toKeyAnswer),
      },
    };
  },
});

function toKeyAnswer(key: TopTraffic['keys'][number]) {
  return {
    id: key.id,
    name: key.name,
    kind: key.kind,
    organization_id: key.organizationId === platformOrganizationId ? null : key.organizationId,
    prefix: key.keyPrefix,
    key_masked: `${key.keyPrefix}…${key.keySuffix ?? ''}`,
    requests: key.accepted,
    refused: key.refused,
  };
}
