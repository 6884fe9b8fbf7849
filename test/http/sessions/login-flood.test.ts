import argon2 from 'argon2';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { expectError } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { tryLogIn } from '../../support/platform-users.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => broker.close());

/** Two are hashed at a time and twenty wait. */
const roomForLogins = 22;

/**
 * Logins that do not end before they are told to, as many as there is room for; and what was
 * answered to those on top.
 */
async function crowd(onTop: number) {
  const hash = Promise.withResolvers<boolean>();
  vi.spyOn(argon2, 'verify').mockImplementation(() => hash.promise);
  const answers: Answer[] = [];
  const logins = Array.from({ length: roomForLogins + onTop }, async (_, index) => {
    answers.push(await tryLogIn(broker, `user-${index}@example.com`));
  });
  await eventually(
    10_000,
    () => answers.length,
    (count) => count === onTop,
  );
  const end = async () => {
    hash.resolve(false);
    await Promise.all(logins);
  };
  return { answers, end };
}

const withBrokenBody = (path: string) =>
  fetch(`${broker.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });

test('more logins than there is room for are refused at once, and told when to come back', async () => {
  const { answers, end } = await crowd(10);
  expect(answers).toHaveLength(10);
  for (const answer of answers) {
    const { system_message } = expectErrorBody(answer);
    expect(system_message).toBe('Too much at once');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=/);
  }
  await end();
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(roomForLogins);
});

test('they are refused before their body is read, at both logins; with room again it is read', async () => {
  const { end } = await crowd(1);
  for (const path of ['/api/v1/platform/auth/login', '/api/v1/platform/session']) {
    const refused = await withBrokenBody(path);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: 'TOO_MANY_ATTEMPTS' } });
  }
  await end();
  expect((await withBrokenBody('/api/v1/platform/auth/login')).status).toBe(400);
});

test('everything else is answered meanwhile', async () => {
  const { end } = await crowd(1);
  const other = await broker.call('GET /api/v1/platform/auth/login', { as: null });
  expectError(other, 405, 'METHOD_NOT_ALLOWED');
  expectError(
    await broker.call('GET /api/v1/platform/auth/me', { as: null }),
    401,
    'AUTHENTICATION_REQUIRED',
  );
  await end();
});

function expectErrorBody(answer: Answer): { system_message: string } {
  expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
  return answer.body.error;
}
