import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../../src/domain/audit-event.ts';
import { newAuditEvent } from '../../../src/domain/audit-event.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { insertAuditEvents } from '../../support/finish-change.ts';
import { mint, revoke } from '../../support/keys.ts';
import { organization, platformKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/audit';

let broker: TestBroker;
let viewer: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  viewer = await platformKey(broker, ['role_platform_viewer']);
});
afterAll(() => broker.close());

const list = (query = '', headers = viewer.headers) =>
  broker.call(`GET ${path}${query}`, { as: null, headers });
const ids = (answer: Answer) => answer.body.map((event: { id: string }) => event.id);

/** Rows of a time of their own, so that what a test lists is what it wrote. */
async function write(day: string, ...changes: Partial<AuditEvent>[]): Promise<string[]> {
  const events = changes.map((changed, index) => ({
    ...newAuditEvent(
      { now: new Date(Date.parse(day) + index * 1_000), randomBytes },
      { actor: { kind: 'shell', id: 'test' }, requestId: 'req_1' },
      { eventType: 'key.revoked', organizationId: 'org_1', targetId: 'flk_1', details: {} },
    ),
    ...changed,
  }));
  await broker.db.transaction().execute((tx) => insertAuditEvents(tx, events));
  return events.map(({ id }) => id);
}

let day: string;
let nextDay = Date.UTC(2020, 0, 1);
beforeEach(() => {
  day = new Date(nextDay).toISOString().slice(0, 10);
  nextDay += 10 * 86_400_000;
});
const thatDay = () => `?from=${day}&to=${day}`;

test('401: without a credential, and with a master key', async () => {
  expectError(await broker.call(`GET ${path}`, { as: null }), 401, 'AUTHENTICATION_REQUIRED');
  expectError(await broker.call(`GET ${path}`), 401, 'AUTHENTICATION_REQUIRED');
});

test('403: without platform:audit:read, and the attempt is in the log', async () => {
  const nobody = await platformKey(broker, []);
  const details = expectError(await list('', nobody.headers), 403, 'INSUFFICIENT_PERMISSIONS');
  expect(details).toEqual({ required_permission: 'platform:audit:read' });
  const [refused] = (await list(`?actor=${nobody.id}&result=refused`)).body;
  expect(refused).toMatchObject({
    event_type: 'platform.access.refused',
    scope: 'platform',
    target_id: 'listAuditEvents',
    actor: { kind: 'platform_key', id: nobody.id },
  });
});

describe('422', () => {
  test.each([
    ['event_type', '?event_type=key.stolen'],
    ['event_type', '?event_type='],
    ['from', '?from=yesterday'],
    ['from', '?from=2026-02-30'],
    ['to', '?to=2026-03-12T10:00'],
    ['from', '?from=1969-12-31'],
    ['to', '?to=10000-01-01'],
    ['actor', '?actor=%00'],
    ['actor', "?actor='%20OR%201=1"],
    ['organization_id', '?organization_id=%25'],
    ['target_id', '?target_id='],
    ['target_id', '?target_id=flk_%00'],
    ['result', '?result=maybe'],
    ['limit', '?limit=0'],
    ['limit', '?limit=1001'],
    ['limit', '?limit=1e3'],
    ['cursor', '?cursor=x'],
    ['cursor', `?cursor=${Buffer.from('flk_aaaaaaaaaaaaaaaaaaaaaa').toString('base64url')}`],
    ['', '?type=key.minted'],
  ])('%s: %s', async (at, query) => {
    expectViolations(await list(query), at);
  });
});

describe('200', () => {
  test('an event with everything that it says, and nothing else', async () => {
    const [id] = await write(day, {
      onBehalfOf: 'org_1',
      clientAddress: '203.0.113.7',
      actor: { kind: 'platform_user', id: 'puser_1' },
      details: { n: 1 },
    });
    expect((await list(thatDay())).body).toEqual([
      {
        id,
        event_type: 'key.revoked',
        scope: 'organization',
        actor: { kind: 'platform_user', id: 'puser_1' },
        organization_id: 'org_1',
        on_behalf_of: 'org_1',
        target_id: 'flk_1',
        request_id: 'req_1',
        client_address: '203.0.113.7',
        result: 'success',
        details: { n: 1 },
        created_at: `${day}T00:00:00.000Z`,
      },
    ]);
  });

  test("an event about the platform has the platform's scope, also when it happened in an organization", async () => {
    await write(
      day,
      { eventType: 'platform.impersonated' },
      { eventType: 'master_key.created', organizationId: null },
      { eventType: 'organization.created' },
    );
    const scopes = (await list(thatDay())).body.map((event: { scope: string }) => event.scope);
    expect(scopes).toEqual(['organization', 'platform', 'platform']);
  });

  test('newest first, with a Link to the next page that leads through all of them', async () => {
    const written = await write(day, ...Array.from({ length: 7 }, () => ({})));
    const pages: string[][] = [];
    for (let next: string | undefined = `${thatDay()}&limit=3`; next !== undefined; ) {
      const answer = await list(next);
      pages.push(ids(answer));
      next = /^<[^?]+(\?[^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
    expect(pages.flat()).toEqual(written.reverse());
  });

  test('a cursor stays where it is while events are added on either side of it', async () => {
    const written = await write(day, ...Array.from({ length: 6 }, () => ({})));
    const first = await list(`${thatDay()}&limit=3`);
    const next = /<[^?]+([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    await write(`${day}T12:00:00Z`, {});
    expect([...ids(first), ...ids(await list(next))]).toEqual([...written].reverse());
  });

  test('up to 1000 at once', async () => {
    await write(day, ...Array.from({ length: 1_001 }, () => ({})));
    const answer = await list(`${thatDay()}&limit=1000`);
    expect(answer.body).toHaveLength(1_000);
    expect(answer.headers.get('link')).toContain('limit=1000');
    expect((await list(thatDay())).body).toHaveLength(50);
  });

  test('each filter leaves what it names, and together they leave what all of them name', async () => {
    await organization(broker, 'org_f');
    const [mine, refused, ofOrg, ofKey, minted, about] = await write(
      day,
      { actor: { kind: 'platform_user', id: 'puser_f' } },
      { result: 'refused', eventType: 'platform.access.refused' },
      { organizationId: 'org_f' },
      { actor: { kind: 'master_key', id: 'flm_f' }, organizationId: 'org_f' },
      { actor: { kind: 'master_key', id: 'flm_f' }, organizationId: 'org_f', eventType: 'key.minted' },
      { targetId: 'puser_f', organizationId: null },
    );
    const only = async (filter: string) => ids(await list(`${thatDay()}&${filter}`));
    expect(await only('actor=puser_f')).toEqual([mine]);
    expect(await only('actor=flm_f')).toEqual([minted, ofKey]);
    expect(await only('result=refused')).toEqual([refused]);
    expect(await only('event_type=platform.access.refused')).toEqual([refused]);
    expect(await only('event_type=key.minted')).toEqual([minted]);
    expect(await only('organization_id=org_f')).toEqual([minted, ofKey, ofOrg]);
    expect(await only('organization_id=org_f&event_type=key.revoked')).toEqual([ofKey, ofOrg]);
    expect(await only('organization_id=org_f&event_type=key.revoked&actor=flm_f')).toEqual([ofKey]);
    expect(await only('organization_id=org_1&actor=flm_f')).toEqual([]);
    expect(await only('target_id=puser_f')).toEqual([about]);
    expect(await only('target_id=puser_f&actor=puser_f')).toEqual([]);
  });

  test('from is included; to is not, unless it is a day, which is meant to its end', async () => {
    const [midnight, second] = await write(day, {}, {});
    const span = async (query: string) => ids(await list(query));
    expect(await span(`?from=${day}T00:00:01Z&to=${day}`)).toEqual([second]);
    expect(await span(`?from=${day}&to=${day}T00:00:01Z`)).toEqual([midnight]);
    expect(await span(`?from=${day}T02:00:00%2B02:00&to=${day}T02:00:01%2B02:00`)).toEqual([midnight]);
    expect(await span(`?from=${day}T00:00:00.001Z&to=${day}T00:00:01Z`)).toEqual([]);
  });

  test('a filter for one key lists its whole history, from its mint on', async () => {
    const { key_id, user_id } = await mint(broker);
    await mint(broker);
    await revoke(broker, key_id);
    const types = async (rest: string) =>
      (await list(`?target_id=${key_id}${rest}`)).body.map(
        (event: { event_type: string }) => event.event_type,
      );
    expect(await types('')).toEqual(['key.revoked', 'key.minted']);
    expect(await types('&limit=1')).toEqual(['key.revoked']);
    expect(await types('&event_type=key.minted')).toEqual(['key.minted']);
    expect(await types('&result=refused')).toEqual([]);
    expect(ids(await list(`?target_id=${user_id}`))).toEqual([]);
  });

  test('a mint shows with the trace id of its request, and never with the secret', async () => {
    const { key, key_id, user_id } = await mint(broker);
    const answer = await list('?event_type=key.minted&limit=1');
    expect(answer.body[0]).toMatchObject({ target_id: key_id, details: { user_id } });
    expect(answer.body[0].request_id).toMatch(/^req_/);
    expect(JSON.stringify(answer.body)).not.toContain(key.slice(-30));
  });
});

test('request_id: what one request did, without its mints', async () => {
  const [first] = await write(
    day,
    { requestId: 'req_traced' },
    { requestId: 'req_traced', eventType: 'key.minted' },
    { requestId: 'req_other' },
  );
  expect(ids(await list('?request_id=req_traced'))).toEqual([first]);
  expect(ids(await list('?request_id=req_never'))).toEqual([]);
  expectViolations(await list('?request_id=a%20b'), 'request_id');
});
