import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectError } from '../support/errors.ts';
import { keysPath } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  const faults = broker.logLines.filter((line) => /"level":("error"|50)/.test(line));
  await broker.close();
  expect(faults).toEqual([]);
});

describe('path segments and query parameters', () => {
  const odd = [
    '%00',
    'a%00',
    '%ff',
    '%',
    '%zz',
    '%c3%28',
    'a%2Fb',
    '%20',
    '%0d%0a',
    'a;b',
    'a,b',
    "a'b",
    '%F0%9F%94%91',
  ];
  test.each([...odd, 'a'.repeat(129), '-a', '~a'])('the segment %s is refused', async (segment) => {
    for (const operation of [
      `GET ${keysPath}/${segment}`,
      `DELETE ${keysPath}/${segment}`,
      `PATCH ${keysPath}/${segment}`,
      `GET ${keysPath}/${segment}/usage`,
      `DELETE ${keysPath}/${segment}/org_1`,
      `DELETE ${keysPath}/usr_1/${segment}`,
      `DELETE ${keysPath}/user/${segment}`,
      `POST ${keysPath}/${segment}/org_1/refresh`,
      `POST ${keysPath}/usr_1/${segment}/refresh`,
    ]) {
      const answer = await broker.call(
        operation,
        operation.startsWith('PATCH') ? { body: { name: 'x' } } : {},
      );
      expectError(answer, 422, 'VALIDATION_ERROR');
    }
  });

  test('the words `user` and `verify` are no user and no organization', async () => {
    for (const operation of [
      `DELETE ${keysPath}/user/user`,
      `DELETE ${keysPath}/usr_1/user`,
      `POST ${keysPath}/user/org_1/refresh`,
      `DELETE ${keysPath}/verify/org_1`,
      `DELETE ${keysPath}/user/verify`,
      `GET ${keysPath}/verify/usage`,
    ]) {
      expectError(await broker.call(operation), 404, 'ROUTE_NOT_FOUND');
    }
  });

  test.each([
    'user_id=a&user_id=b',
    'limit=1&limit=1',
    'cursor=x&cursor=x',
    'limit[]=1',
    'limit[$gt]=1',
    'user_id=%00',
    'user_id=%ff',
  ])('the query ?%s is refused', async (query) => {
    expectError(await broker.call(`GET ${keysPath}?${query}`), 422, 'VALIDATION_ERROR');
  });
});
