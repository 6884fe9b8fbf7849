import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditEventsOf } from '../support/audit-events.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { expectViolations } from '../support/errors.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  const faults = broker.logLines.filter((line) => /"level":("error"|50)/.test(line));
  await broker.close();
  expect(faults).toEqual([]);
});

const post = (body: unknown, headers: Record<string, string> = {}) =>
  broker.call(`POST ${keysPath}`, { body, headers });

test('a secret in the wrong place is in no answer and in no log line', async () => {
  const { key } = await mint(broker);
  const hidden = key.slice(-38);
  const answers = await Promise.all([
    post({ user_id: key, organization_id: `${key} ` }),
    post({ ...newOwner(), [key]: 1 }),
    post({ ...newOwner(), environment: key, scopes: [`${key} `], metadata: key, ip_allowlist: [key] }),
    post({ ...newOwner(), rate_limit: { [key]: key }, quota: { limit: key, period: key } }),
    post(`{"key":"${key}"`),
    post(key, { 'content-type': key }),
    post({}, { accept: key, traceparent: key, 'if-none-match': key }),
    post(newOwner(), { 'idempotency-key': key.repeat(5) }),
    broker.call(`GET ${keysPath}/${key}`),
    broker.call(`GET ${keysPath}/${key}%ff`),
    broker.call(`GET ${keysPath}/${key}/x/y/z`),
    broker.call(`PUT ${keysPath}/${key}`),
    broker.call(`DELETE ${keysPath}/user/ ${key}`),
    broker.call(`GET ${keysPath}?cursor=${key}&limit=${key}&status=${key}&${key}=1`),
    broker.call(`GET ${keysPath}`, { as: key }),
    broker.call(`POST ${keysPath}/verify`, { body: { key: `${key}${key}`, ip: key, environment: key } }),
    broker.call(`POST ${keysPath}/verify/batch`, { body: { keys: [{ key, [key]: key }, key] } }),
  ]);
  for (const answer of answers) {
    expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(JSON.stringify([answer.body, ...answer.headers])).not.toContain(hidden);
  }
  expect(broker.logLines.join('')).not.toContain(hidden);
});

test('a secret is cut down also where it is glued to another word', async () => {
  const { key } = await mint(broker);
  const answer = await post({ ...newOwner(), [`api_key_${key}`]: 1, [`my${key}`]: 1 });
  expectViolations(answer, '');
  expect(JSON.stringify(answer.body)).not.toContain(key.slice(-38));
});

test('a secret is no request id: neither echoed nor written into the audit log', async () => {
  const { key, key_id } = await mint(broker);
  const headers = { 'x-request-id': key };
  const answer = await broker.call(`DELETE ${keysPath}/${key_id}`, { headers });
  const events = await auditEventsOf(broker, { targetId: key_id });
  expect(JSON.stringify([answer.body, ...answer.headers, events])).not.toContain(key.slice(-38));
});
