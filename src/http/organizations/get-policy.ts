import type { ChangeParts } from '../../usecases/change.ts';
import { getOwnPolicy, getPolicy } from '../../usecases/organizations/get-policy.ts';
import { organizationCaller } from '../access/organization-caller.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { organizationIdParam } from './organization-schemas.ts';
import { policyAnswer, toPolicyAnswer } from './policy-schemas.ts';

export const getPolicyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/tenants/:id/policy',
  operationId: 'getTenantPolicy',
  summary: "Look at a tenant's policy",
  description: 'Rules and defaults for its user keys; `null` when it has none.',
  access: platformCaller('platform:tenants:read', 'confined'),
  params: organizationIdParam,
  query: noQuery,
  body: noBody,
  success: { 200: 'The policy.' },
  answer: policyAnswer,
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: Pick<ChangeParts, 'db'>, { params, caller }) {
    return { status: 200, body: toPolicyAnswer(await getPolicy(parts, caller.principal, params.id)) };
  },
});

export const getOwnPolicyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/policy',
  operationId: 'getOwnPolicy',
  summary: "Look at one's own policy",
  description: 'Rules and defaults for the user keys of one organization. Only operators change it.',
  access: organizationCaller('read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The policy.' },
  answer: policyAnswer,
  errors: [],
  async handle(parts: Pick<ChangeParts, 'db'>, { caller }) {
    return { status: 200, body: toPolicyAnswer(await getOwnPolicy(parts, caller.principal)) };
  },
});
