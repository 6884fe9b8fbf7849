import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';

const identityHeaders = z.object({
  'x-flowplate-user-id': z.string(),
  'x-flowplate-organization-id': z.string(),
  'x-flowplate-key-id': z.string(),
  'x-flowplate-environment': z.string(),
  'x-flowplate-scopes': z.string().describe('Separated by spaces'),
  'x-request-id': z.string(),
  Deprecation: z.string().optional().describe('RFC 9745: since when the key has a successor'),
  Sunset: z.string().optional().describe('RFC 8594: when the superseded key stops'),
});

const refusal = z
  .strictObject({ type: z.string(), title: z.string(), status: z.int(), trace_id: z.string() })
  .meta({ id: 'AuthorizationRefusal' });

const refused = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: refusal } },
});

const operation = (method: string): ZodOpenApiOperationObject => ({
  operationId: `authorize${method}`,
  summary: 'Forward auth for proxies',
  tags: ['Verification'],
  description:
    "Takes any method, and any path below. The end client's key is in `X-API-Key` or `Authorization: Bearer`, the gateway's own master key in `x-flowplate-master-key`. Credentials in a body, query or cookie are ignored.\n\nNeeds the permission `keys:verify`.",
  security: [{ masterKey: [] }],
  requestParams: {
    query: z.object({
      deny: z.literal('403').optional().describe('Refuse a limited key with 403 instead of 429'),
    }),
    header: z.object({
      'X-API-Key': z.string().optional(),
      Authorization: z.string().optional(),
      'X-Forwarded-For': z.string().optional().describe("The last address is the end client's"),
      'x-flowplate-required-scopes': z.string().optional().describe('The key must have all of these'),
      'x-flowplate-required-organization': z.string().optional(),
      'x-flowplate-required-environment': z.string().optional(),
    }),
  },
  responses: {
    200: { description: 'Admit the request. No body.', headers: identityHeaders },
    401: refused('No key, or an invalid one'),
    403: refused('Valid, but not allowed for this request'),
    429: refused('Over its rate limit or quota'),
    503: refused('No decision is possible; refuse the request'),
  },
});

/** API document of forward auth, which is no route: it takes every method. */
export const authorizePaths: ZodOpenApiPathsObject = {
  '/v1/flowplate/authz': { get: operation('Get'), post: operation('Post') },
};
