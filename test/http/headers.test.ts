import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { getKey, keysPath, mint, refresh, revoke } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test.each(['GET /health/live', 'GET /nowhere', `GET ${keysPath}`, 'GET /openapi.json'])(
  '%s carries the security headers and does not say what serves it',
  async (operation) => {
    const { headers } = await broker.call(operation);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    for (const name of ['x-powered-by', 'server', 'access-control-allow-origin', 'set-cookie', 'etag']) {
      expect(headers.has(name), name).toBe(false);
    }
  },
);

test('a verification says as little', async () => {
  const { headers } = await broker.call(`POST ${keysPath}/verify`, { body: { key: 'x' } });
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  for (const name of ['x-powered-by', 'server', 'etag']) expect(headers.has(name), name).toBe(false);
});

test('answers are never cached, with or without a secret', async () => {
  const owner = await mint(broker);
  const minted = await broker.call(`POST ${keysPath}`, {
    body: { user_id: 'usr_a', organization_id: 'org_a' },
  });
  const answers = [minted, await refresh(broker, owner), await getKey(broker, owner.key_id)];
  answers.push(await broker.call(`GET ${keysPath}`), await revoke(broker, minted.body.key_id));
  for (const answer of answers) {
    expect(answer.status).toBeLessThan(300);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }
});
