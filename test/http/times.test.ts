import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { expectViolations } from '../support/errors.ts';
import { keysPath, mint, newOwner, type Owner, refresh, refreshed, verify } from '../support/keys.ts';
import { platformKey } from '../support/platform-callers.ts';

/** One place where a time comes in, and how a text is brought there. */
type Door = { name: string; field: string; send: (text: string) => Promise<Answer> };

let broker: TestBroker;
let operator: Record<string, string>;
let keyId: string;
let webhookId: string;
let owner: Owner;
let apiKeyId: string;
beforeAll(async () => {
  broker = await startBroker();
  const { id, headers } = await platformKey(broker);
  [operator, apiKeyId] = [headers, id];
  keyId = (await mint(broker)).key_id;
  owner = await mint(broker);
  const webhook = { url: 'https://hooks.example.com/', types: ['*'], enabled: false };
  webhookId = (await asOperator('POST /api/v1/platform/webhooks', webhook)).body.id;
});
afterAll(() => broker.close());

const asOperator = (operation: string, body?: object) =>
  broker.call(operation, { as: null, headers: operator, ...(body !== undefined && { body }) });
const withMasterKey = (operation: string, body?: object) =>
  broker.call(operation, body === undefined ? {} : { body });
const query = (field: string, text: string) => new URLSearchParams([[field, text]]);

const inBodies: Door[] = [
  ['mintKey', (at: string) => withMasterKey(`POST ${keysPath}`, { ...newOwner(), expires_at: at })],
  ['updateKey', (at: string) => withMasterKey(`PATCH ${keysPath}/${keyId}`, { expires_at: at })],
  [
    'refreshKey',
    async (at: string) => {
      const answer = await refresh(broker, owner, { expires_at: at });
      return answer.status === 200 ? { ...answer, body: answer.body.new_key } : answer;
    },
  ],
  [
    'createApiKey',
    (at: string) => asOperator('POST /api/v1/apikeys', { name: 'x', platform: true, expires_at: at }),
  ],
  [
    'createMasterKey',
    (at: string) => asOperator('POST /api/v1/platform/master-keys', { name: 'x', expires_at: at }),
  ],
].map(([name, send]) => ({ name, field: 'expires_at', send }) as Door);

const moments: Door[] = [
  {
    name: 'explainKey',
    field: 'at',
    send: (at) => withMasterKey(`POST ${keysPath}/${keyId}/explain`, { at }),
  },
  {
    name: 'explainHiddenKey',
    field: 'at',
    send: (at) => asOperator(`POST /api/v1/platform/hidden-keys/${keyId}/explain`, { at }),
  },
];

const inQueries: Door[] = [
  ...['from', 'to'].flatMap((field): Door[] => [
    {
      name: 'getKeyUsage',
      field,
      send: (text) => withMasterKey(`GET ${keysPath}/${keyId}/usage?${query(field, text)}`),
    },
    {
      name: 'getApiKeyUsage',
      field,
      send: (text) => asOperator(`GET /api/v1/apikeys/${apiKeyId}/usage?${query(field, text)}`),
    },
    {
      name: 'getHiddenKeyUsage',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/hidden-keys/${keyId}/usage?${query(field, text)}`),
    },
    {
      name: 'getTraffic',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/traffic?${query(field, text)}`),
    },
    {
      name: 'listTenantUsage',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/usage?${query(field, text)}`),
    },
    {
      name: 'listAuditEvents',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/audit?${query(field, text)}`),
    },
    {
      name: 'exportAuditEvents',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/audit/export?${query(field, text)}`),
    },
  ]),
  ...['unused_since', 'created_before', 'expires_before'].map((field) => ({
    name: 'listApiKeys',
    field,
    send: (text: string) => asOperator(`GET /api/v1/apikeys?${query(field, text)}`),
  })),
  ...['created_before', 'created_after', 'expires_before', 'unused_since'].flatMap((field): Door[] => [
    { name: 'listKeys', field, send: (text) => withMasterKey(`GET ${keysPath}?${query(field, text)}`) },
    {
      name: 'listHiddenKeys',
      field,
      send: (text) => asOperator(`GET /api/v1/platform/hidden-keys?${query(field, text)}`),
    },
  ]),
];

const inFilters = ['created_before', 'created_after', 'unused_since'].flatMap((field): Door[] => {
  const order = (text: string) => ({ action: 'revoke', filter: { [field]: text }, dry_run: true });
  return [
    {
      name: 'bulkChangeKeys',
      field: `filter.${field}`,
      send: (text) => withMasterKey(`POST ${keysPath}/bulk`, order(text)),
    },
    {
      name: 'bulkChangeHiddenKeys',
      field: `filter.${field}`,
      send: (text) => asOperator('POST /api/v1/platform/hidden-keys/bulk', order(text)),
    },
  ];
});

const inReplays = ['from', 'to'].map((field): Door => {
  const range = { from: '2020-01-01', to: '2099-01-01' };
  const replay = (text: string) =>
    asOperator(`POST /api/v1/platform/webhooks/${webhookId}/replay`, { ...range, [field]: text });
  return { name: 'replayWebhookEvents', field, send: replay };
});

const doors = [...inBodies, ...moments, ...inQueries, ...inFilters, ...inReplays];
const doorNames = doors.map(({ name, field }): [string, Door] => [
  `${name} ${field}`,
  doors.find((door) => door.name === name && door.field === field) as Door,
]);

test('these are all doors: each input that the document calls a time, and no other', async () => {
  const { body } = await broker.call('GET /openapi.json', { as: null });
  const found: string[] = [];
  for (const item of Object.values<Record<string, Operation>>(body.paths)) {
    for (const { operationId, parameters = [], requestBody } of Object.values(item)) {
      const schema = requestBody?.content['application/json']?.schema;
      const fields = [
        ...parameters.map(({ name, schema }) => [name, schema] as const),
        ...Object.entries(schema?.properties ?? {}).flatMap(fieldsOf),
      ];
      const times = fields.filter(([, field]) => /RFC 3339|date-time/.test(JSON.stringify(field)));
      found.push(...times.map(([name]) => `${operationId} ${name}`));
    }
  }
  expect(found.sort()).toEqual(doorNames.map(([name]) => name).sort());
});

type Schema = { properties?: Record<string, Schema> };

/** A field of a body, or the fields of an object in it. */
function fieldsOf([name, schema]: [string, Schema]): [string, object][] {
  if (schema.properties === undefined) return [[name, schema]];
  return Object.entries(schema.properties).map(([inner, field]) => [`${name}.${inner}`, field]);
}

type Operation = {
  operationId: string;
  parameters?: { name: string; schema: object }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
};

describe.each(doorNames)('%s', (_name, { name, field, send }) => {
  const isRange = /Usage|Traffic/.test(name);
  test.each([
    '2098-02-29',
    '2098-04-31',
    '2098-01-01junk',
    '2098-01-01T00:00:00',
    '2098-01-01T00:00Z',
    '2098-01-01T24:00:00Z',
    '2098-06-30T23:59:60Z',
    '2098-01-01T00:00:00Zjunk',
    '2098-01-01 00:00:00Z',
    '10000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-00:01',
    '1969-12-31',
    '4000000000',
    'tomorrow',
    '',
  ])('422: %j', async (text) => {
    expectViolations(await send(text), field);
  });

  test('the last day of the year 9999 is a day like any other', async () => {
    for (const text of ['9999-12-31', '9999-12-31T23:59:59.999Z']) {
      const { status, body } = await send(text);
      // A range from there to now is none.
      if (status === 422)
        expect(body.error.details).toEqual([{ path: 'from', message: 'must lie before to' }]);
      else expect([200, 201, 202]).toContain(status);
      expect(status === 422).toBe(isRange && field === 'from');
    }
  });

  test('422: a blank where the + was says how to write it', async () => {
    const answer = await send('2098-01-01T00:00:00 01:00');
    expectViolations(answer, field);
    expect(answer.body.error.details[0].message).toContain('write + as %2B');
  });
});

describe('an end', () => {
  const ends = inBodies.map((door): [string, Door] => [door.name, door]);
  const written = [
    ['2098-01-31', '2098-02-01T00:00:00.000Z'],
    ['2098-01-31T00:00:00z', '2098-01-31T00:00:00.000Z'],
    ['2098-01-31t00:00:00.1239+01:00', '2098-01-30T23:00:00.123Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31', '9999-12-31T23:59:59.999Z'],
  ] as const;

  test.each(ends)('of a key is kept as it was meant, and a day lasts to its end: %s', async (_name, door) => {
    for (const [text, kept] of written) {
      const answer = await door.send(text);
      expect([200, 201, 202], JSON.stringify(answer.body)).toContain(answer.status);
      expect(answer.body.expires_at).toBe(kept);
    }
  });

  test('of today is not over yet, while its beginning is', async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const [, door] of ends) {
      expect([200, 201, 202]).toContain((await door.send(today)).status);
      expectViolations(await door.send(`${today}T00:00:00Z`), 'expires_at');
    }
  });
});

describe('a range', () => {
  const usages = ['getKeyUsage', 'getApiKeyUsage', 'getHiddenKeyUsage', 'getTraffic'] as const;
  const paths: Record<(typeof usages)[number], () => string> = {
    getKeyUsage: () => `${keysPath}/${keyId}/usage`,
    getApiKeyUsage: () => `/api/v1/apikeys/${apiKeyId}/usage`,
    getHiddenKeyUsage: () => `/api/v1/platform/hidden-keys/${keyId}/usage`,
    getTraffic: () => '/api/v1/platform/traffic',
  };
  const between = (name: (typeof usages)[number], range: Record<string, string>) => {
    const operation = `GET ${paths[name]()}?${new URLSearchParams(range)}`;
    return name === 'getKeyUsage' ? withMasterKey(operation) : asOperator(operation);
  };

  test.each(usages)('of days is from the beginning of the first to the end of the last: %s', async (name) => {
    for (const granularity of ['hour', 'day']) {
      const { body } = await between(name, { from: '2026-03-01', to: '2026-03-02', granularity });
      expect(body).toMatchObject({ from: '2026-03-01T00:00:00.000Z', to: '2026-03-03T00:00:00.000Z' });
      const { body: one } = await between(name, { from: '2026-03-01', to: '2026-03-01', granularity });
      expect(one).toMatchObject({ from: '2026-03-01T00:00:00.000Z', to: '2026-03-02T00:00:00.000Z' });
    }
  });

  test.each(usages)(
    'up to the end of the year 9999 is answered in times that RFC 3339 knows: %s',
    async (name) => {
      for (const to of ['9999-12-31', '9999-12-31T23:59:59.999Z', '9999-12-31T23:00:00.001Z']) {
        for (const granularity of ['hour', 'day']) {
          const { status, body } = await between(name, { to, granularity });
          expect(status, JSON.stringify(body)).toBe(200);
          expect(body.to).toBe('9999-12-31T23:59:59.999Z');
          expect(await between(name, { from: body.from, to: body.to, granularity })).toMatchObject({ body });
        }
      }
      const { body } = await between(name, { to: '9999-12-31', granularity: 'hour' });
      expect(body.from).toBe('9999-12-31T00:00:00.000Z');
      if (name === 'getTraffic') expect(body.data).toHaveLength(24);
    },
  );

  test('of the audit log in days is the same, and its next page begins where it said', async () => {
    const today = new Date().toISOString().slice(0, 10);
    await mint(broker);
    const { body, headers } = await asOperator(
      `GET /api/v1/platform/audit?from=${today}&to=9999-12-31&limit=1`,
    );
    expect(body).toHaveLength(1);
    const next = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? '';
    expect(next).toContain('to=9999-12-31T23%3A59%3A59.999Z');
    expect((await asOperator(`GET ${next}`)).body).toHaveLength(1);
    expect((await asOperator(`GET /api/v1/platform/audit?from=${today}&to=${today}`)).body).not.toEqual([]);
  });

  test('a bound of a list is the beginning of its day', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const count = async (filter: string) =>
      (await asOperator(`GET /api/v1/apikeys?${filter}`)).body.data.length;
    expect(await count(`created_before=${today}`)).toBe(0);
    expect(await count(`created_before=${tomorrow}`)).toBeGreaterThan(0);
    const { body } = await asOperator('POST /api/v1/apikeys', {
      name: 'ends tomorrow',
      platform: true,
      expires_at: `${tomorrow}T00:00:00.000Z`,
    });
    expect(body.expires_at).toBe(`${tomorrow}T00:00:00.000Z`);
    expect(await count(`name=ends+tomorrow&expires_before=${tomorrow}`)).toBe(0);
    expect(await count(`name=ends+tomorrow&expires_before=${tomorrow}T00:00:00.001Z`)).toBe(1);
  });
});

test('an end of the year 9999 means never: the key is verified, read, changed and refreshed with it', async () => {
  const expires_at = '9999-12-31T23:59:59.999Z';
  const minted = await mint(broker, { expires_at });
  expect(minted.expires_at).toBe(expires_at);
  const verdict = { code: 'VALID', expires_at };
  expect(await verify(broker, minted.key)).toMatchObject(verdict);
  const replica = await broker.replica();
  expect(await verify(replica, minted.key)).toMatchObject(verdict);
  await replica.close();
  const token = { token: minted.key };
  const introspected = await broker.call('POST /v1/flowplate/introspect', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(token).toString(),
  });
  expect(introspected.body).toMatchObject({ active: true, exp: Date.UTC(10_000, 0, 1) / 1_000 - 1 });
  const successor = await refreshed(broker, minted, { grace_period_seconds: 86_400 });
  expect(await verify(broker, minted.key)).toMatchObject({ code: 'SUPERSEDED' });
  expect(await verify(broker, successor.key)).toMatchObject(verdict);
  const [listed] = (await withMasterKey(`GET ${keysPath}?user_id=${minted.user_id}`)).body.data;
  expect(listed).toMatchObject({ key_id: successor.key_id, expires_at, status: 'active' });
});

test('a master key that ends in the year 9999 works, and is rotated with an overlap', async () => {
  const path = 'POST /api/v1/platform/master-keys';
  const { body } = await asOperator(path, { name: 'for ever', expires_at: '9999-12-31T23:59:59.999Z' });
  await mint(broker, {}, { as: body.key });
  const rotated = await asOperator(`${path}/${body.id}/rotate`, { overlap_seconds: 60 });
  expect(rotated.body).toMatchObject({ expires_at: '9999-12-31T23:59:59.999Z' });
  await mint(broker, {}, { as: body.key });
  await mint(broker, {}, { as: rotated.body.key });
});
