import { z } from 'zod';
import { everyOrganization } from '../../domain/asked-scope.ts';
import { type ReportScopesParts, reportScopes } from '../../usecases/verifiers/report-scopes.ts';
import { masterKey } from '../access/master-key.ts';
import { externalId, noQuery, scope } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { verifierParams } from './verifier-schemas.ts';

type Parts = { scopeReports: ReportScopesParts };

export const reportScopesRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/verifiers/:verifier_id/scopes',
  operationId: 'reportScopes',
  summary: 'Report the scopes that an embedded verifier was asked for',
  description:
    'So that the hygiene report can tell which scopes no gateway asks for. Each scope of an organization once a day, for accepted verifications. A verifier that never reports, also not with two empty lists, counts as one that cannot: nothing is called unasked in its organizations. Left out are organizations that do not exist or that the master key may not see.',
  access: masterKey('keys:verify:embedded'),
  params: verifierParams,
  query: noQuery,
  body: z.strictObject({
    asked: z.array(z.tuple([externalId, scope]).meta({ description: 'Organization and scope' })).max(200),
    incomplete: z
      .array(externalId.or(z.literal(everyOrganization)))
      .max(200)
      .describe('Organizations with further scopes that there was no room for; `*` for all'),
  }),
  success: { 204: 'Written down.' },
  answer: z.undefined(),
  errors: ['VERIFIER_NOT_FOUND'],
  async handle({ scopeReports }: Parts, { params, body, caller }) {
    await reportScopes(scopeReports, caller.principal, { verifierId: params.verifier_id, ...body });
    return { status: 204, body: undefined };
  },
});
