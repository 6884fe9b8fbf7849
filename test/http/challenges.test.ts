import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { keysPath } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const realm = 'realm="flowplate"';
/** Said here once more, apart from the routes. */
const challenges = [
  [/\/introspect$/, [`FlowplateMasterKey ${realm}`, `Basic ${realm}, charset="UTF-8"`, `Bearer ${realm}`]],
  [/\/leaks$/, [`FlowplateSignature ${realm}`]],
  [/^\/v1\/flowplate\//, [`FlowplateMasterKey ${realm}`]],
  [/^\/users(\/:|$)/, [`FlowplateApiKey ${realm}`]],
  [
    /^\/api\/v1\/(apikeys|environments|policy)/,
    [`Bearer ${realm}`, `FlowplateApiKey ${realm}`, `FlowplateSession ${realm}`],
  ],
  [/^\/api\/v1\/platform\/bootstrap/, [`Bearer ${realm}`, `FlowplateApiKey ${realm}`]],
  [/\/auth\/device\/(lookup|answer)$/, [`FlowplateSession ${realm}`]],
  [/^(\/api\/v1\/platform\/|\/users\/bootstrap)/, [`Bearer ${realm}`, `FlowplateSession ${realm}`]],
] as const;

const closed = routes.filter(({ access }) => access.schemes.length > 0);

test.each(closed.map(({ method, path }) => `${method.toUpperCase()} ${path}`))(
  '401: %s names what it takes, and nothing else',
  async (operation) => {
    const [, path = ''] = operation.split(' ');
    const [, expected = []] = challenges.find(([pattern]) => pattern.test(path)) ?? [];
    const filled = operation.replaceAll(/:\w+/g, 'missing0000000000000');
    const answer = await broker.call(filled, { as: null });
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
    expect(answer.headers.get('www-authenticate')).toBe(expected.join(', '));
  },
);

test('a verification names the master key, whichever way it takes', async () => {
  for (const headers of [{}, { 'content-type': 'application/json;charset=UTF-8' }]) {
    const options = { as: null, headers, body: { key: 'x' } };
    const answer = await broker.call(`POST ${keysPath}/verify`, options);
    expect(answer.headers.get('www-authenticate')).toBe(`FlowplateMasterKey ${realm}`);
  }
});

// RFC 9110 §15.5.2: no 401 without a challenge.
test('a log-in that fails names no scheme that would not help', async () => {
  const body = { email: 'nobody@example.com', password: 'not the right password' };
  const answer = await broker.call('POST /api/v1/platform/auth/login', { as: null, body });
  expectError(answer, 401, 'INVALID_CREDENTIALS');
  expect(answer.headers.get('www-authenticate')).toBe(`FlowplateLogin ${realm}`);
});
