import { afterAll, describe, expect, test } from 'vitest';
import { startBroker } from '../support/broker.ts';
import { expectError, expectViolations } from '../support/errors.ts';
import { impersonation } from '../support/impersonation.ts';
import { keysPath } from '../support/keys.ts';
import { setStatus } from '../support/organization-status.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { sendRaw } from '../support/raw-request.ts';

const environments = '/api/v1/environments';

const broker = await startBroker();
const { reader, writer, nobody, callAs, newOrganization, eventsIn } = await impersonation(broker);
afterAll(() => broker.close());

describe('what an operator changes inside a tenant', () => {
  test('is written down beside the impersonation, for whom it was done and by whom, and is there for the tenant alone', async () => {
    const [inside, elsewhere] = [await newOrganization(), await newOrganization()];
    const answer = await callAs(
      writer,
      `POST ${environments}`,
      inside,
      { 'x-request-id': 'changing' },
      { name: 'prod' },
    );
    expect(answer.status).toBe(201);
    const shared = { actor_id: writer.id, on_behalf_of: inside, request_id: 'changing' };
    expect(await eventsIn(inside)).toMatchObject([
      { event_type: 'environment.created', ...shared, details: { slug: 'prod' } },
      { event_type: 'platform.impersonated', ...shared, details: { reason: null } },
    ]);
    const names = async (organizationId: string) =>
      (await callAs(reader, `GET ${environments}`, organizationId)).body.data
        .map(({ name }: { name: string }) => name)
        .sort();
    expect(await names(inside)).toEqual(['default', 'prod']);
    expect(await names(elsewhere)).toEqual(['default']);
  });

  test("a tenant's own change names nobody it was done for", async () => {
    const inside = await newOrganization();
    const { id, headers } = await tenantKey(broker, inside);
    await broker.call(`POST ${environments}`, { as: null, headers, body: { name: 'prod' } });
    expect(await eventsIn(inside)).toMatchObject([
      { event_type: 'environment.created', actor_kind: 'tenant_key', actor_id: id, on_behalf_of: null },
    ]);
  });

  test('a suspended tenant can be entered and resumed, though its own keys are refused', async () => {
    const inside = await newOrganization();
    const own = await tenantKey(broker, inside);
    await setStatus(broker, inside, 'suspended');
    const list = `GET ${environments}`;
    expectError(await broker.call(list, { as: null, headers: own.headers }), 403, 'ORGANIZATION_SUSPENDED');
    expect((await callAs(reader, list, inside)).status).toBe(200);
    const body = { status: 'active' };
    const resumed = await callAs(
      await platformKey(broker),
      `PATCH /api/v1/platform/tenants/${inside}`,
      inside,
      {},
      body,
    );
    expect(resumed.status).toBe(200);
    expect((await broker.call(list, { as: null, headers: own.headers })).status).toBe(200);
  });
});

describe('the headers', () => {
  test('an operation for operators alone, called from inside a tenant, is written down as well', async () => {
    const inside = await newOrganization();
    const admin = await platformKey(broker);
    expect((await callAs(admin, 'GET /api/v1/platform/tenants', inside)).status).toBe(200);
    expect(await eventsIn(inside)).toMatchObject([
      { event_type: 'platform.impersonated', actor_id: admin.id, on_behalf_of: inside },
    ]);
    expectError(
      await callAs(nobody, 'GET /api/v1/platform/tenants', inside),
      403,
      'INSUFFICIENT_PERMISSIONS',
    );
  });

  test('master keys impersonate nobody: the header is not looked at', async () => {
    const inside = await newOrganization();
    const headers = { 'x-flowplate-org': inside, 'x-flowplate-reason': 'none' };
    expect((await broker.call(`GET ${keysPath}`, { headers })).status).toBe(200);
    expect(await eventsIn(inside)).toEqual([]);
  });

  test('sent on two lines, also with one value, it is refused, and so is a second reason', async () => {
    const inside = await newOrganization();
    const other = await newOrganization();
    for (const lines of [
      [`X-Flowplate-Org: ${inside}`, `x-flowplate-org: ${other}`],
      [`X-Flowplate-Org: ${inside}`, `X-Flowplate-Org: ${inside}`],
      [`X-Flowplate-Org: ${inside}, ${other}`],
      [`X-Flowplate-Org: ${inside}`, 'X-Flowplate-Reason: one', 'X-Flowplate-Reason: two'],
    ]) {
      expect(await raw(lines)).toMatch(/^HTTP\/1\.1 422 .*"VALIDATION_ERROR"/s);
    }
    expect([...(await eventsIn(inside)), ...(await eventsIn(other))]).toEqual([]);
  });

  test('control characters come no further than the parser, or than the check', async () => {
    const inside = await newOrganization();
    for (const character of ['\u0000', '\u0007', '\u001b[2J', '\u007f']) {
      expect(await raw([`X-Flowplate-Org: ${inside}${character}`])).toMatch(/^HTTP\/1\.1 4(00|22) /);
      expect(await raw([`X-Flowplate-Org: ${inside}`, `X-Flowplate-Reason: a${character}b`])).toMatch(
        /^HTTP\/1\.1 4(00|22) /,
      );
    }
    for (const reason of ['a\tb', utf8('a\u0085b'), utf8('a\u202eb'), '\u00ff\u00fe']) {
      const answer = await callAs(reader, `GET ${environments}`, inside, { 'x-flowplate-reason': reason });
      expectViolations(answer, 'X-Flowplate-Reason');
    }
    expect(await eventsIn(inside)).toEqual([]);
  });

  test('a reason is kept as it was meant, up to 200 characters, and without a secret in it', async () => {
    const inside = await newOrganization();
    const { secret } = reader;
    const long = 'ü'.repeat(200);
    for (const reason of ['Prüfung für 東京', long, `leaked: ${secret}`, '']) {
      const headers = { 'x-flowplate-reason': utf8(reason) };
      expect((await callAs(reader, `GET ${environments}`, inside, headers)).status).toBe(200);
    }
    const reasons = (await eventsIn(inside)).map(({ details }) => (details as { reason: string }).reason);
    expect(new Set(reasons)).toEqual(
      new Set(['Prüfung für 東京', long, `leaked: ${secret.slice(0, 'flplatform_'.length + 8)}…`, null]),
    );
    const headers = { 'x-flowplate-reason': utf8(`${long}ü`) };
    expectViolations(await callAs(reader, `GET ${environments}`, inside, headers), 'X-Flowplate-Reason');
  });

  test('what was searched for, and a secret where an id belongs, are in no audit row', async () => {
    const inside = await newOrganization();
    await callAs(writer, `DELETE ${environments}/${writer.secret}?name=alice`, inside);
    await callAs(reader, `GET ${environments}?limit=7&cursor=alice`, inside);
    const text = JSON.stringify(await eventsIn(inside));
    expect(text).toContain(`${environments}/flplatform_`);
    for (const kept of ['alice', 'limit', writer.secret.slice(-38)]) expect(text).not.toContain(kept);
  });
});

function raw(lines: readonly string[]): Promise<string> {
  const head = `GET ${environments} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${reader.secret}`;
  return sendRaw(broker.url, `${[head, ...lines].join('\r\n')}\r\n\r\n`);
}

/** As the bytes of a header stand in the strings of `fetch`. */
function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
