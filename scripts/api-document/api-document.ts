import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import type { ErrorCode } from '../../src/domain/errors.ts';
import { problems } from '../../src/http/problem.ts';
import { linesMediaType } from '../../src/http/read-body.ts';
import { isRateLimited, type Route } from '../../src/http/route.ts';
import { securitySchemes } from '../../src/http/security-schemes.ts';
import { authorizePaths } from './authorize-paths.ts';
import { errorEnvelope, idempotencyHeader, problemDetails } from './error-schemas.ts';
import { examples } from './examples.ts';
import { tagOf, tags } from './tags.ts';

/** Errors of every operation. */
const commonErrors: readonly ErrorCode[] = [
  'VALIDATION_ERROR',
  'TOO_MANY_ATTEMPTS',
  'INTERNAL_ERROR',
  'DEPENDENCY_UNAVAILABLE',
  'OVERLOADED',
];

const bodyErrors: readonly ErrorCode[] = ['INVALID_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
const idempotencyErrors: readonly ErrorCode[] = ['IDEMPOTENCY_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'];

/**
 * OpenAPI 3.1 document of the whole API, derived from the routes, so that it cannot differ from
 * them.
 */
export function openApiDocument<Parts>(routes: readonly Route<Parts>[]) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Flowplate Keys',
      version: '1',
      description:
        'Mints, verifies, refreshes, revokes and counts the API keys of users in organizations. With `Accept: application/problem+json` an error comes as `Problem` (RFC 9457) instead of `Error`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers,
    tags: [...tags],
    paths: { ...paths, ...authorizePaths },
    components: { securitySchemes, schemas: { Problem: problemDetails } },
  });
}

const servers = [
  { url: '/', description: 'The address that served this document' },
  {
    url: '{scheme}://{host}:{port}',
    description: 'For generated clients; the defaults are those of `scripts/start`',
    variables: {
      scheme: { default: 'http', enum: ['http', 'https'] },
      host: { default: 'localhost' },
      port: { default: '9123' },
    },
  },
];

function operation<Parts>(route: Route<Parts>): ZodOpenApiOperationObject {
  const hasBody = ['post', 'put', 'patch'].includes(route.method);
  const { answer } = examples[route.operationId] ?? {};
  // Without `text/csv`, which the description tells: generated clients would type every answer as a
  // union with a text.
  const answerType = route.answerFormat === 'lines' ? linesMediaType : 'application/json';
  return {
    operationId: route.operationId,
    tags: [tagOf(route.path)],
    summary: route.summary,
    description: `${route.description}\n\n${route.access.needs}`,
    security: route.access.schemes.map((scheme) => ({ [scheme]: [] })),
    requestParams: {
      path: route.params,
      query: route.query,
      ...(route.idempotent && { header: idempotencyHeader }),
    },
    ...(hasBody && { requestBody: { required: isBodyNeeded(route), content: bodyContent(route) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.success).map(([status, description]) => [
          status,
          status === '204'
            ? { description }
            : { description, content: { [answerType]: { schema: answerOf(route), ...exampleOf(answer) } } },
        ]),
      ),
      ...errorResponses([
        ...route.errors,
        ...route.access.errors,
        ...(route.method === 'get' ? (['NOT_ACCEPTABLE'] as const) : []),
        ...(route.access.schemes.length > 0 && isRateLimited(route) ? (['RATE_LIMITED'] as const) : []),
        ...commonErrors,
        ...(hasBody ? bodyErrors : []),
        ...(route.idempotent ? idempotencyErrors : []),
      ]),
    },
  };
}

/** A line of an answer may be the error of its line in the body. */
function answerOf<Parts>({ answer, bodyFormat }: Route<Parts>) {
  return bodyFormat === 'lines' ? z.union([answer, errorEnvelope]) : answer;
}

function bodyContent<Parts>(route: Route<Parts>) {
  const { body, bodyFormat, mergePatchBody = body, method, operationId } = route;
  const example = exampleOf(examples[operationId]?.body);
  if (bodyFormat === 'form') return { 'application/x-www-form-urlencoded': { schema: body, ...example } };
  if (bodyFormat === 'lines') return { [linesMediaType]: { schema: body, ...example } };
  const json = { 'application/json': { schema: body, ...example } };
  return method === 'patch' ? { ...json, 'application/merge-patch+json': { schema: mergePatchBody } } : json;
}

function exampleOf(example: unknown) {
  return example === undefined ? {} : { example };
}

/** Whether a body is required: an absent one is validated as `{}`. */
function isBodyNeeded<Parts>({ body }: Route<Parts>): boolean {
  return !body.safeParse({}).success;
}

function errorResponses(codes: readonly ErrorCode[]) {
  const byStatus = Map.groupBy(new Set(codes), (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\``).join(', '),
        // Without `application/problem+json`: generated clients would type every error as a union
        // of the two shapes, in which none has `error.code`.
        content: { 'application/json': { schema: errorEnvelope } },
      },
    ]),
  );
}
