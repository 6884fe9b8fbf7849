import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowplateClient } from '../../../src/sdk/client.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { keysPath, newOwner } from '../../support/keys.ts';
import { platformKey } from '../../support/platform-callers.ts';

let lenient: TestBroker;
let strict: TestBroker;
beforeAll(async () => {
  [lenient, strict] = await Promise.all([startBroker(), startBroker({ STRICT_ORGANIZATIONS: 'true' })]);
  for (const broker of [lenient, strict]) atEnd(() => broker.close());
});
afterAll(endAll);

const mint = (broker: TestBroker, body: object, headers: Record<string, string> = {}) =>
  broker.call(`POST ${keysPath}`, { body, headers });

async function provision(broker: TestBroker): Promise<string> {
  const { headers } = await platformKey(broker);
  const body = { name: 'Acme' };
  return (await broker.call('POST /api/v1/platform/tenants', { as: null, headers, body })).body.id;
}

test('a mint says what it had to create, first the organization, then another environment, then nothing', async () => {
  const { organization_id } = newOwner();
  const created = async (more: object) => {
    const answer = await mint(lenient, { ...newOwner(), organization_id, ...more });
    expect(answer.status).toBe(201);
    expect(answer.body).not.toHaveProperty('created');
    return answer.headers.get('flowplate-created');
  };
  expect(await created({})).toBe('organization');
  expect(await created({ environment: 'porduction' })).toBe('environment');
  expect(await created({ environment: 'porduction' })).toBeNull();
  expect(await created({})).toBeNull();
});

test('a repeated mint says it again, and the SDK hands it on', async () => {
  const owner = newOwner();
  const client = new FlowplateClient({ baseUrl: lenient.url, masterKey: lenient.masterKey });
  const options = { idempotencyKey: owner.user_id };
  const [first, second] = [await client.mint(owner, options), await client.mint(owner, options)];
  expect(first.created).toEqual(['organization']);
  expect(second).toEqual(first);
  expect(await client.mint({ ...newOwner(), organization_id: owner.organization_id })).not.toHaveProperty(
    'created',
  );
});

test('with STRICT_ORGANIZATIONS an unknown organization is refused, and none is made', async () => {
  const owner = newOwner();
  for (const _ of [1, 2]) {
    const details = expectError(await mint(strict, owner), 404, 'ORGANIZATION_NOT_FOUND');
    expect(details).toEqual({ organization_id: owner.organization_id });
  }
});

test('with STRICT_ORGANIZATIONS an unknown environment is refused, until it is created', async () => {
  const organization_id = await provision(strict);
  const mintIn = (environment: string) => mint(strict, { ...newOwner(), organization_id, environment });
  const details = expectError(await mintIn('staging'), 404, 'ENVIRONMENT_NOT_FOUND');
  expect(details).toEqual({ organization_id, environment: 'staging' });
  const { headers } = await platformKey(strict);
  await strict.call('POST /api/v1/environments', {
    as: null,
    headers: { ...headers, 'x-flowplate-org': organization_id },
    body: { name: 'staging' },
  });
  expect((await mintIn('staging')).status).toBe(201);
});

test("with STRICT_ORGANIZATIONS the deployment's own environment needs nobody to create it", async () => {
  const organization_id = await provision(strict);
  const answer = await mint(strict, { ...newOwner(), organization_id });
  expect([answer.status, answer.headers.get('flowplate-created')]).toEqual([201, 'environment']);
  const again = await mint(strict, { ...newOwner(), organization_id, environment: 'test' });
  expect(again.status).toBe(201);
});
