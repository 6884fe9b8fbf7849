import { noPolicy, toPolicyVersion } from '../../domain/organization-policy.ts';
import type { ChangeParts } from '../../usecases/change.ts';
import { setPolicy } from '../../usecases/organizations/set-policy.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { organizationIdParam } from './organization-schemas.ts';
import { policyAnswer, policyDocument, toPolicyAnswer } from './policy-schemas.ts';

const path = '/api/v1/platform/tenants/:id/policy';
const access = platformCaller('platform:tenants:manage', 'confined');

export const setPolicyRoute = defineRoute({
  method: 'put',
  path,
  operationId: 'setTenantPolicy',
  summary: "Set a tenant's policy",
  description:
    'Replaces the whole document. It holds for every mint, refresh and patch that begins after this answer. Keys that break it go on until they are changed or refreshed; the report names them.',
  access,
  params: organizationIdParam,
  query: noQuery,
  body: policyDocument,
  success: { 200: 'Set.' },
  answer: policyAnswer,
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, body, caller }) {
    return {
      status: 200,
      body: toPolicyAnswer(await setPolicy(parts, caller, params.id, toPolicyVersion(body))),
    };
  },
});

export const clearPolicyRoute = defineRoute({
  method: 'delete',
  path,
  operationId: 'clearTenantPolicy',
  summary: "Take a tenant's policy away",
  description: 'Everything is allowed again. Keys keep the defaults that they were given.',
  access,
  params: organizationIdParam,
  query: noQuery,
  body: noBody,
  success: { 200: 'There is no policy.' },
  answer: policyAnswer,
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(parts: ChangeParts, { params, caller }) {
    return { status: 200, body: toPolicyAnswer(await setPolicy(parts, caller, params.id, noPolicy)) };
  },
});
