import { z } from 'zod';
import type { FairBulkhead } from '../../concurrency/fair-bulkhead.ts';
import { numberRanges } from '../../domain/number-ranges.ts';
import type { PolicyRule } from '../../domain/organization-policy.ts';
import { queueOf } from '../../domain/principal.ts';
import {
  type NonCompliantKey,
  type PolicyReport,
  reportOnPolicy,
} from '../../usecases/organizations/report-on-policy.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, toCursor } from '../cursor.ts';
import { environmentSlug, intIn, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { organizationIdParam } from './organization-schemas.ts';
import { policyDocument, policyRule } from './policy-schemas.ts';

const countOfRule = z.int().optional();

const countsOfRules = z.strictObject({
  ttl_seconds_max: countOfRule,
  expiry_required: countOfRule,
  rate_limit_max: countOfRule,
  quota_max: countOfRule,
  allowed_scopes: countOfRule,
  allowed_environments: countOfRule,
} satisfies Record<PolicyRule, unknown>);

export const reportOnPolicyRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/tenants/:id/policy/report',
  operationId: 'reportOnTenantPolicy',
  summary: 'List the user keys that break a policy',
  description:
    'The active keys that break the document in `policy`, or the current one without it; nothing changes. Newest first. A page ends after 10000 keys or `limit` finds; add up the counts of all pages.',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
  params: organizationIdParam,
  query: noQuery,
  body: z.strictObject({
    policy: policyDocument.optional().describe('An edit that is not saved'),
    limit: intIn(numberRanges.policyReportSize).default(100).describe('Most keys that a page lists'),
    cursor: cursorOf('key').optional(),
  }),
  success: { 200: 'A page of the report.' },
  answer: z.strictObject({
    examined: z.int().describe('Active keys of this page'),
    non_compliant: z.int().describe('Keys of this page that break a rule'),
    by_rule: countsOfRules.describe('Keys of this page that break each rule; one key may break several'),
    data: z.array(
      z.strictObject({
        key_id: z.string(),
        key_prefix: z.string(),
        user_id: z.string(),
        environment: environmentSlug,
        created_at: timestampText,
        expires_at: timestampText.nullable(),
        rules: z.array(policyRule),
      }),
    ),
    next_cursor: z.string().nullable(),
  }),
  errors: ['ORGANIZATION_NOT_FOUND'],
  async handle(
    parts: Parameters<typeof reportOnPolicy>[0] & { reads: FairBulkhead },
    { params, body: { cursor, ...asked }, caller },
  ) {
    const { principal } = caller;
    const report = await parts.reads.run(queueOf(principal), () =>
      reportOnPolicy(parts, principal, params.id, { ...asked, before: cursor }),
    );
    return { status: 200, body: toReportAnswer(report) };
  },
});

function toReportAnswer({ examined, items, next }: PolicyReport) {
  return {
    examined,
    non_compliant: items.length,
    by_rule: countByRule(items),
    data: items.map(({ key, rules }) => ({
      key_id: key.id,
      key_prefix: key.keyPrefix,
      user_id: key.userId,
      environment: key.environment,
      created_at: key.createdAt.toISOString(),
      expires_at: key.expiresAt?.toISOString() ?? null,
      rules,
    })),
    next_cursor: next === undefined ? null : toCursor(next),
  };
}

function countByRule(items: readonly NonCompliantKey[]): Partial<Record<PolicyRule, number>> {
  const counts: Partial<Record<PolicyRule, number>> = {};
  for (const rule of items.flatMap(({ rules }) => rules)) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}
