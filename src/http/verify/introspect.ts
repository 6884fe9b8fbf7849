import { z } from 'zod';
import type { Verdict } from '../../domain/verdict.ts';
import { type VerifyParts, verifyKey } from '../../verify/verify-key.ts';
import { oauthClient } from '../access/oauth-client.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import type { MeterParts } from './serve-metered.ts';

/**
 * Not strict: RFC 6749 §3.2 requires unknown members to be ignored, and every OAuth library sends
 * some.
 */
const introspectionForm = z.object({
  token: z.string().describe('The key that the end client sent'),
  token_type_hint: z.string().optional().describe('Ignored'),
  client_id: z.string().optional().describe('Ignored: the master key identifies the caller'),
  client_secret: z.string().optional().describe('A master key, when none is in a header'),
});

export const introspectRoute = defineRoute({
  method: 'post',
  path: '/v1/flowplate/introspect',
  operationId: 'introspectKey',
  endpoint: 'introspect',
  summary: 'Introspect a key (RFC 7662)',
  description:
    'For OAuth software: the verdict of a verification in the format of RFC 7662. It counts as a call and spends no limit. The master key may be sent like a client secret: as the password of HTTP Basic, as `client_secret`, or as a bearer token. Two different ones are refused.',
  access: oauthClient('keys:verify'),
  params: noParams,
  query: noQuery,
  body: introspectionForm,
  bodyFormat: 'form',
  success: { 200: 'Active, with the known claims; or only inactive (RFC 7662 §2.2).' },
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
  async handle(parts: { verify: VerifyParts } & MeterParts, { body, caller }) {
    const { principal, requestId } = caller;
    const from = { endpoint: 'introspect', requestId, traceId: null, masterKeyId: principal.id } as const;
    const verdict = await verifyKey(parts.verify, principal, { key: body.token, cost: 0, from });
    parts.verifications.count('introspect', verdict.code);
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
