import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import { errorEnvelope } from '../../scripts/api-document/error-schemas.ts';
import { errorExample, examples } from '../../scripts/api-document/examples.ts';
import { problems } from '../../src/http/problem.ts';
import { routes } from '../../src/http/routes.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  security?: object[];
  parameters?: Array<{ name: string; in: string; required?: boolean; schema: object }>;
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
};
type Document = {
  openapi: string;
  info: { title: string; version: string };
  servers: Array<{ url: string }>;
  tags: Array<{ name: string; description: string }>;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
};

let broker: TestBroker;
let document: Document;
let operations: Array<[name: string, operation: Operation]>;
beforeAll(async () => {
  broker = await startBroker();
  const answer = await broker.call('GET /openapi.json', { as: null });
  expect(answer.status).toBe(200);
  document = answer.body;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
});
afterAll(() => broker.close());

/** Every object and text in the document, with the name under which it stands. */
function* walk(value: Json, name = ''): Generator<[name: string, value: Json]> {
  yield [name, value];
  if (value === null || typeof value !== 'object') return;
  for (const [inner, child] of Object.entries(value)) yield* walk(child, inner);
}

/** A body that is not sent is read as one without members. */
function isRefusedWithoutBody(body: ZodType): boolean {
  return !body.safeParse({}).success;
}

/** A signature comes with no permission that could be missing. */
const isSigned = ({ access }: (typeof routes)[number]) => access.schemes.includes('reportSignature');

describe('the document', () => {
  test('it is OpenAPI 3.1, and every reference in it leads somewhere inside of it', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect([document.info.title, document.info.version].every((text) => text.length > 0)).toBe(true);
    const references = [...walk(document as unknown as Json)].filter(([name]) => name === '$ref');
    expect(references.length).toBeGreaterThan(10);
    for (const [, reference] of references) {
      expect(String(reference)).toMatch(/^#\//);
      const target = String(reference)
        .slice(2)
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
      expect(target, String(reference)).toBeTypeOf('object');
    }
  });

  test('it names no other host', () => {
    const addresses = [...walk(document as unknown as Json)].filter(
      // Names for examples lead nowhere (RFC 2606).
      ([, value]) => typeof value === 'string' && /\b(https?|wss?):\/\/(?!hooks\.example\.com\/)/.test(value),
    );
    expect(addresses).toEqual([]);
  });

  test('every registered route is in it, with what it takes, gives and refuses', () => {
    const described = new Map(operations);
    for (const route of routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      const operation = described.get(`${route.method} ${path}`);
      expect(operation, route.path).toMatchObject({ operationId: route.operationId, summary: route.summary });
      const statuses = Object.keys(operation?.responses ?? {});
      const refusals = route.errors.map((code: keyof typeof problems) => String(problems[code].status));
      const forKnown =
        route.access.schemes.length === 0 ? [] : isSigned(route) ? ['400', '401'] : ['400', '401', '403'];
      const always = [...forKnown, '422', '500', '503'];
      expect(statuses).toEqual(
        expect.arrayContaining([...Object.keys(route.success), ...refusals, ...always]),
      );
      const takesBody = ['post', 'put', 'patch'].includes(route.method);
      expect(operation?.requestBody !== undefined).toBe(takesBody);
      if (takesBody)
        expect(operation?.requestBody?.required, route.path).toBe(isRefusedWithoutBody(route.body));
      const headers = operation?.parameters?.filter((parameter) => parameter.in === 'header') ?? [];
      expect(headers.map(({ name }) => name)).toEqual(route.idempotent ? ['Idempotency-Key'] : []);
    }
  });

  test('every operation names who may call it, and a number in a query is one', () => {
    for (const [name, { security, parameters = [] }] of operations) {
      expect(security, name).toBeInstanceOf(Array);
      const limit = parameters.find((parameter) => parameter.name === 'limit');
      if (limit !== undefined) expect(limit.schema, name).toMatchObject({ type: 'integer', minimum: 1 });
    }
  });

  test('every path that is described answers, and only to its methods', async () => {
    for (const [name, { security }] of operations) {
      const [method = '', path = ''] = name.split(' ');
      const address = path.replaceAll(/\{\w+\}/g, 'x');
      const { status, body } = await broker.call(`${method.toUpperCase()} ${address}`, { as: null });
      const isOpen = security?.length === 0;
      if (isOpen) expect([404, 405, 500], name).not.toContain(status);
      else expect(status, `${name} ${JSON.stringify(body)}`).toBe(401);
    }
  });

  test('operation ids are unique, and every path parameter is declared', () => {
    const ids = operations.map(([, operation]) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, { parameters = [] }] of operations) {
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect(declared.map((parameter) => parameter.name).sort()).toEqual(inPath.sort());
      for (const parameter of declared) expect(parameter.required).toBe(true);
    }
  });

  test('every answer has a description and every body a schema', () => {
    for (const [name, { responses, requestBody }] of operations) {
      expect(Object.keys(responses).length).toBeGreaterThan(1);
      for (const [status, { description, content = {} }] of Object.entries(responses)) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(description.length, `${name} ${status}`).toBeGreaterThan(0);
        for (const { schema } of Object.values(content))
          expect(Object.keys(schema).length).toBeGreaterThan(0);
      }
      for (const { schema } of Object.values(requestBody?.content ?? {})) expect(schema).toBeTypeOf('object');
    }
  });
});

describe('for generated clients', () => {
  test('every operation is in one group, and every group is described', () => {
    const described = document.tags.map(({ name, description }) => {
      expect(description.length).toBeGreaterThan(5);
      return name;
    });
    const used = operations.map(([name, { tags }]) => {
      expect(tags, name).toHaveLength(1);
      return tags[0];
    });
    expect(new Set(used)).toEqual(new Set(described));
  });

  test('every example is valid, and every operation that needs a body has one', () => {
    const byId = new Map(routes.map((route) => [route.operationId, route]));
    for (const [id, { body, answer }] of Object.entries(examples)) {
      const route = byId.get(id);
      expect(route, id).toBeDefined();
      if (body !== undefined) expect(route?.body.safeParse(body), id).toMatchObject({ success: true });
      if (answer !== undefined) expect(route?.answer.safeParse(answer), id).toMatchObject({ success: true });
    }
    for (const { operationId, body } of routes) {
      const isForPeople = !['reportUsage', 'reportRefusals', 'reportScopes', 'findRecord'].includes(
        operationId,
      );
      if (isForPeople && isRefusedWithoutBody(body))
        expect(examples[operationId]?.body, operationId).toBeDefined();
    }
    expect(errorEnvelope.safeParse(errorExample).success).toBe(true);
  });

  test('codes are open: a later one breaks no client', () => {
    const { Error: error, Verdict: verdict } = document.components.schemas as Record<
      string,
      { properties: Record<string, Json> }
    >;
    const open = { anyOf: [{ type: 'string', enum: expect.any(Array) }, { type: 'string' }] };
    expect(error?.properties.error).toMatchObject({ properties: { code: open } });
    expect(verdict?.properties.code).toMatchObject(open);
  });

  test('the first server is the one that served the document', () => {
    expect(document.servers[0]?.url).toBe('/');
    expect(document.components.schemas.Problem).toBeDefined();
  });
});

describe('/docs', () => {
  test('the page runs under a policy that allows nothing from elsewhere', async () => {
    const { status, headers, body } = await broker.call('GET /docs', { as: null });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = Object.fromEntries(
      (headers.get('content-security-policy') ?? '').split(';').map((directive) => {
        const [name = '', ...sources] = directive.trim().split(' ');
        return [name, sources.join(' ')];
      }),
    );
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'connect-src': "'self'",
      'frame-ancestors': "'none'",
      'base-uri': "'none'",
      'form-action': "'none'",
    });
    for (const sources of Object.values(policy)) expect(sources).not.toMatch(/http|\*|unsafe-eval/);
    expect(body).not.toMatch(/(https?:)?\/\/\w/);
    expect(body).not.toMatch(/<script(?![^>]* src="\/docs\/)|\bon\w+=|javascript:/);
  });

  test('everything that the page loads is served here, with its type', async () => {
    const { body } = await broker.call('GET /docs', { as: null });
    const assets = [...String(body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const path of assets) {
      const asset = await broker.call(`GET ${path}`, { as: null });
      expect(asset.status, path).toBe(200);
      expect(asset.headers.get('content-type')).toMatch(path.endsWith('.css') ? /^text\/css/ : /javascript/);
      expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
      expect(String(asset.body).length).toBeGreaterThan(50);
    }
  });

  test('nothing else of the package that it comes from is served', async () => {
    for (const path of [
      'package.json',
      'index.html',
      '../package.json',
      '%2e%2e%2fpackage.json',
      'absolute-path.js',
    ]) {
      expect((await broker.call(`GET /docs/${path}`, { as: null })).status, path).toBe(404);
    }
  });
});
