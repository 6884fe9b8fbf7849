import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import openApi from '../../docs/openapi.json' with { type: 'json' };
import { atEnd, endAll } from '../support/at-end.ts';
import { compileCalls } from './compiled-calls.ts';

const keys = '/v1/flowplate/api-keys';
const owner = `{ user_id: 'usr_1', organization_id: 'org_1' }`;
const ownerPath = `params: { path: { user_id: 'usr_1', org_id: 'org_1' } }`;
const keyPath = `params: { path: { key_id: 'flk_1' } }`;

const good: Record<string, string> = {
  'a mint of an owner': `client.POST('${keys}', { body: ${owner} });`,
  'a mint with every setting': `client.POST('${keys}', { body: { ...${owner}, environment: 'prod', name: 'a', metadata: { a: [1] },
    scopes: ['a'], expires_at: '2100-01-01T00:00:00Z', rate_limit: { limit: 1, window_seconds: 1 },
    quota: { limit: 1, period: 'day' }, ip_allowlist: ['10.0.0.0/8'] } });`,
  'the secret of a mint': `const { data } = await client.POST('${keys}', { body: ${owner} });
    export const secret: string | undefined = data?.key;`,
  'a refresh without a body': `client.POST('${keys}/{user_id}/{org_id}/refresh', { ${ownerPath} });`,
  'a refresh with a grace': `client.POST('${keys}/{user_id}/{org_id}/refresh', { ${ownerPath}, body: { grace_period_seconds: 1 } });`,
  'a revoke': `client.DELETE('${keys}/{key_id}', { ${keyPath} });`,
  'a change': `client.PATCH('${keys}/{key_id}', { ${keyPath}, body: { enabled: false } });`,
  'a list': `client.GET('${keys}', { params: { query: { user_id: 'usr_1', limit: 5 } } });`,
  'a verification, told apart by its code': `const { data } = await client.POST('${keys}/verify', { body: { key: 'x', ip: '::1' } });
    if (data?.code === 'REVOKED' || data?.code === 'A_LATER_CODE') console.info(data.valid);`,
  'a batch': `client.POST('${keys}/verify/batch', { body: { keys: [{ key: 'x' }, { key: 'y', scopes: ['a'] }] } });`,
  'an introspection': `client.POST('/v1/flowplate/introspect', { body: { token: 'x', client_id: 'a' } });`,
  'forward auth': `client.GET('/v1/flowplate/authz', { params: { header: { 'X-API-Key': 'x' } } });`,
  'a log-in': `client.POST('/api/v1/platform/auth/login', { body: { email: 'a@example.com', password: 'b' } });`,
  'what an error says': `const { error } = await client.POST('${keys}', { body: ${owner} });
    export const code: string | undefined = error?.error.code;
    if (error?.error.code === 'KEY_ALREADY_EXISTS') console.info(error.error.details);
    if (error?.error.code === 'A_LATER_CODE') console.info(error.error.message);`,
};

const bad: Record<string, string> = {
  'a mint without anything': `client.POST('${keys}');`,
  'a mint without a body': `client.POST('${keys}', {});`,
  'a mint without an organization': `client.POST('${keys}', { body: { user_id: 'usr_1' } });`,
  'a mint with a misspelt setting': `type Body = Paths['${keys}']['post']['requestBody']['content']['application/json'];
    export const body: Body = { user_id: 'a', organization_id: 'b', scope: ['a'] };`,
  'a mint with a quota by the year': `client.POST('${keys}', { body: { ...${owner}, quota: { limit: 1, period: 'year' } } });`,
  'a refresh of nobody': `client.POST('${keys}/{user_id}/{org_id}/refresh', { body: {} });`,
  'a change without a body': `client.PATCH('${keys}/{key_id}', { ${keyPath} });`,
  'a verification without a body': `client.POST('${keys}/verify', {});`,
  'a batch without keys': `client.POST('${keys}/verify/batch', { body: {} });`,
  'an introspection without a token': `client.POST('/v1/flowplate/introspect', { body: { client_id: 'a' } });`,
  'a log-in without a body': `client.POST('/api/v1/platform/auth/login', {});`,
  'a user without a password': `client.POST('/api/v1/platform/users', { body: { email: 'a@example.com', name: 'a' } });`,
  'the secret of a key that is looked up': `const { data } = await client.GET('${keys}/{key_id}', { ${keyPath} });
    export const secret = data?.key;`,
  'a path that is none': `client.GET('${keys}/verify', {});`,
};

type Described = {
  requestBody?: { content: Record<string, { schema: { required?: string[]; $ref?: string } }> };
};

/** Every operation whose body has members that must be there, by the schema alone. */
const withNeededBody = Object.entries(openApi.paths).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Described>)
    .filter(([, { requestBody }]) => hasRequiredMembers(requestBody))
    .map(([method]): [method: string, path: string] => [method, path]),
);

function hasRequiredMembers(requestBody: Described['requestBody']): boolean {
  return Object.values(requestBody?.content ?? {}).some(({ schema }) => (schema.required ?? []).length > 0);
}

let complaints: Map<string, string[]>;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const needed = withNeededBody.map(([method, path]) => neededBody(method, path));
  const calls = [...Object.values(good), ...Object.values(bad), ...needed];
  const found = await compileCalls(openApi, calls, directory);
  complaints = new Map(calls.map((call, index) => [call, found[index] ?? ['was not compiled']]));
  return endAll;
});

const complaintsAbout = (call: string) => complaints.get(call);

describe('a client that is generated from the document compiles', () => {
  test.each(Object.entries(good))('%s', (_name, call) => {
    expect(complaintsAbout(call)).toEqual([]);
  });
});

describe('it does not compile', () => {
  test.each(Object.entries(bad))('%s', (_name, call) => {
    expect(complaintsAbout(call)).toHaveLength(1);
  });
});

test('no operation whose body has required members can be called without one', () => {
  expect(withNeededBody.length).toBeGreaterThanOrEqual(20);
  for (const [method, path] of withNeededBody) {
    expect(complaintsAbout(neededBody(method, path)), `${method} ${path}`).toEqual([]);
  }
});

function neededBody(method: string, path: string): string {
  const body = `Paths['${path}']['${method}']['requestBody']`;
  return `export const isNeeded: undefined extends ${body} ? false : true = true;`;
}
