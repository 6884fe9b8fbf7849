import { afterAll, describe, expect, test } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { startBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../support/errors.ts';
import { impersonation } from '../support/impersonation.ts';
import { setStatus } from '../support/organization-status.ts';
import { tenantKey } from '../support/platform-callers.ts';

/** Everything that a tenant's own key can call, and an operator in its place. */
const operations = routes
  .filter(({ access }) => /tenant key.*X-Flowplate-Org/.test(access.needs))
  .map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/:\w+/g, 'x')}`);

const environments = '/api/v1/environments';

const broker = await startBroker();
const { reader, writer, nobody, callAs, newOrganization, eventsIn } = await impersonation(broker);
afterAll(() => broker.close());

const isAdmitted = ({ status, body }: Answer) =>
  ![401, 403].includes(status) && body?.error?.code !== 'ORGANIZATION_NOT_FOUND';

test('there are such operations', () => {
  expect(operations).toEqual(expect.arrayContaining([`GET ${environments}`, `POST ${environments}`]));
});

describe.each(operations)('%s', (operation) => {
  const isReading = operation.startsWith('GET ');
  const needed = isReading ? 'platform:impersonate:read' : 'platform:impersonate';

  test('401: without a credential the header opens nothing', async () => {
    const headers = { 'x-flowplate-org': await newOrganization() };
    expectError(await broker.call(operation, { as: null, headers }), 401, 'AUTHENTICATION_REQUIRED');
  });

  test(`403: an operator without ${needed} is refused; that is written down, and no impersonation is`, async () => {
    const inside = await newOrganization();
    for (const who of isReading ? [nobody] : [nobody, reader]) {
      const answer = await callAs(who, operation, inside, { 'x-request-id': `${who.id}-tries` });
      const details = expectError(answer, 403, 'INSUFFICIENT_PERMISSIONS');
      expect(details).toEqual({ required_permission: needed });
      const events = broker.db
        .selectFrom('audit_events')
        .select(['event_type', 'result'])
        .where('request_id', '=', `${who.id}-tries`);
      expect(new Set((await events.execute()).map(({ event_type }) => event_type))).toEqual(
        new Set(['platform.access.refused']),
      );
    }
    expect(await eventsIn(inside)).toEqual([]);
  });

  test('404: an organization that never was and one that was deleted look the same; refused before they are asked for', async () => {
    const deleted = await newOrganization();
    await setStatus(broker, deleted, 'deleted');
    const never = await callAs(writer, operation, 'org_nobody');
    expectError(never, 404, 'ORGANIZATION_NOT_FOUND');
    expect(bytesOf(await callAs(writer, operation, deleted))).toBe(bytesOf(never));
    expectError(await callAs(nobody, operation, 'org_nobody'), 403, 'INSUFFICIENT_PERMISSIONS');
  });

  test('422: an id that no organization can have, the platform itself included, is refused', async () => {
    for (const inside of ['', '_platform', 'a b', '../x', 'x'.repeat(129)]) {
      expectViolations(await callAs(writer, operation, inside), 'X-Flowplate-Org');
    }
  });

  test('an operator with the permission is admitted, also to a suspended organization, and audited with the reason', async () => {
    const inside = await newOrganization();
    await setStatus(broker, inside, 'suspended');
    const more = { 'x-flowplate-reason': 'ticket 4711', 'x-request-id': 'looking-in' };
    for (const who of isReading ? [reader, writer] : [writer]) {
      expect(isAdmitted(await callAs(who, operation, inside, more))).toBe(true);
    }
    const entered = (await eventsIn(inside)).filter(
      ({ event_type }) => event_type === 'platform.impersonated',
    );
    const [method, path] = operation.split(' ');
    expect(entered).toEqual(
      (isReading ? [reader.id, writer.id] : [writer.id]).sort().map((id) => ({
        event_type: 'platform.impersonated',
        actor_kind: 'platform_key',
        actor_id: id,
        on_behalf_of: inside,
        result: 'success',
        request_id: 'looking-in',
        details: { method, path, reason: 'ticket 4711' },
      })),
    );
  });

  test("a tenant's own key is not impersonating anybody: the header is not looked at", async () => {
    const { headers } = await tenantKey(broker, await newOrganization());
    const elsewhere = await newOrganization();
    const answer = await broker.call(operation, {
      as: null,
      headers: { ...headers, 'x-flowplate-org': elsewhere, 'x-flowplate-reason': 'curious' },
    });
    const without = await broker.call(operation, { as: null, headers });
    expect(answer.status).toBe(without.status);
    expect(await eventsIn(elsewhere)).toEqual([]);
  });
});
