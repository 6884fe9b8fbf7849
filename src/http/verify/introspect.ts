import { z } from 'zod';
import type { Verdict } from '../../domain/verdict.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { masterKey } from '../access/master-key.ts';
import { noParams, noQuery } from '../flowplate/key-schemas.ts';
import { defineRoute } from '../route.ts';

export const introspectRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/introspect',
  operationId: 'introspectKey',
  summary: 'Introspect a key (RFC 7662)',
  description:
    "For software that speaks OAuth: the same verdict as verification, in the standard's words. It is counted as a call and spends no limit.",
  access: masterKey('keys:verify'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ token: z.string().max(4_096), token_type_hint: z.string().max(100).optional() }),
  bodyFormat: 'form',
  success: { 200: 'Active with what is known of it, or just inactive (RFC 7662 §2.2).' },
  answer: z.strictObject({
    active: z.boolean(),
    scope: z.string().optional(),
    sub: z.string().optional().describe('The user'),
    exp: z.int().optional().describe('Unix seconds'),
    token_type: z.string().optional(),
    key_id: z.string().optional(),
    organization_id: z.string().optional(),
    environment: z.string().optional(),
  }),
  errors: [],
  async handle(parts: { verify: VerifyParts }, { body, caller }) {
    const verdict = await verifyKey(parts.verify, caller.principal, { key: body.token, cost: 0 });
    return { status: 200, body: toIntrospection(verdict) };
  },
});

function toIntrospection(verdict: Verdict) {
  if (!verdict.valid) return { active: false };
  return {
    active: true,
    scope: verdict.scopes.join(' '),
    sub: verdict.user_id,
    ...(verdict.expires_at !== null && { exp: Math.floor(Date.parse(verdict.expires_at) / 1_000) }),
    token_type: 'Bearer',
    key_id: verdict.key_id,
    organization_id: verdict.organization_id,
    environment: verdict.environment,
  };
}
